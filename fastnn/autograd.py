"""Back-propagation over the tape: backward, gradients, grad, value_and_grad, no_grad, gradcheck.

An operation leaves a node: its rule, what the rule needs, and edges to the nodes or leaves that
its operands came from. csrc/bindings/backward.cpp walks them, which takes a third of the time that
Python takes.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from fastnn import _core
from fastnn.dtypes import FLOATS
from fastnn.row_gradient import RowGradient
from fastnn.tensor import Tensor, Variable, from_data, tensor

_set_grad_enabled = _core.set_grad_enabled


class _Nesting(threading.local):
    depth = 0  # functions of value_and_grad that run in this thread


_nesting = _Nesting()


def unbroadcast(gradient: Tensor, shape: tuple) -> Tensor:
    """Sums a gradient over the axes along which an operand of ``shape`` was repeated."""
    extra = gradient.ndim - len(shape)
    axes = tuple(range(extra)) + tuple(
        axis + extra
        for axis, extent in enumerate(shape)
        if extent == 1 and gradient.shape[axis + extra] != 1
    )
    if axes:
        gradient = _core.reduce(gradient, "sum", axes, False)
    return gradient if gradient.shape == shape else _core.reshape(gradient, shape)


def _run(roots: tuple, seeds: tuple, sparse: bool = False) -> dict:
    """Gradients of the leaves that ``roots`` depend on, {leaf: gradient}; nothing is recorded.

    With ``sparse``, that of a table may be a RowGradient.
    """
    for root in roots:
        if not root.requires_grad:
            raise RuntimeError(
                f"backward: the tensor of shape {root.shape} depends on nothing that requires a "
                "gradient (was it computed under no_grad, or from detached tensors?)"
            )
    seeds = tuple(map(_seed, roots, seeds))
    previous = _set_grad_enabled(False)
    try:
        found = _core.propagate(roots, seeds, unbroadcast, RowGradient)
        if not sparse and RowGradient in map(type, found.values()):
            for leaf, part in found.items():
                found[leaf] = part.dense() if type(part) is RowGradient else part
        return found
    finally:
        _set_grad_enabled(previous)


@functools.lru_cache(maxsize=16)
def _one(shape: tuple, dtype: str, device: str) -> Tensor:
    return _core.from_numpy(np.ones(shape, dtype), device)


def _seed(root: Tensor, gradient: Any) -> Tensor:
    if gradient is None:
        if root.size != 1:
            raise RuntimeError(
                f"backward: an output of shape {root.shape} is not a scalar; reduce it (sum, mean) "
                "or pass its gradient"
            )
        # A copy: what is handed out may be written in place, the constant may not.
        return _core.copy(_one(root.shape, root.dtype, root.device), root.dtype)
    if not isinstance(gradient, Tensor):
        gradient = from_data(gradient, root.dtype, "backward: gradient")
    if gradient.shape != root.shape:
        raise ValueError(
            f"backward: gradient has shape {gradient.shape}, expected the output's {root.shape}"
        )
    if gradient.dtype != root.dtype:
        raise TypeError(
            f"backward: gradient has dtype {gradient.dtype}, expected the output's {root.dtype}"
        )
    return gradient.detach()


def backward(self: Tensor, gradient: Any = None) -> None:
    """Adds the gradients of this tensor to ``.grad`` of the leaves it depends on.

    Leaves are tensors made with ``requires_grad=True`` and trainable Variables. What the graph
    saved is freed on the way: a second backward over it is a RuntimeError.

    gradient: array-like of this tensor's shape; may be left out for a scalar

    >>> x = tensor([1.0, 2.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad.tolist()
    [2.0, 4.0]
    """
    for leaf, part in _run((self,), (gradient,)).items():
        leaf.grad = part if leaf.grad is None else _core.binary(leaf.grad, part, "add")


def gradients(loss: Tensor, variables: Any) -> list:
    """Gradients of a scalar for a list of leaves, None where it does not depend on one.

    For training steps: ``.grad`` is left alone. Gradients may share memory with each other, and
    that of a table that only `ops.embedding` reads is a RowGradient.
    """
    leaves = _run((loss,), (None,), sparse=True)
    return [leaves.get(variable) for variable in variables]


# ---- functions -----------------------------------------------------------------------------------


def _map_structure(function: Callable, tree: Any, path: tuple = ()) -> Any:
    """``tree`` with every leaf replaced by function(leaf, path); lists, tuples, dicts, None."""
    if isinstance(tree, Tensor):
        return function(tree, path)
    if isinstance(tree, dict):
        return {k: _map_structure(function, v, (*path, k)) for k, v in tree.items()}
    if isinstance(tree, (list, tuple)):
        items = [
            function(v, (*path, i))
            if isinstance(v, Tensor)
            else _map_structure(function, v, (*path, i))
            for i, v in enumerate(tree)
        ]
        if isinstance(tree, list):
            return items
        return type(tree)(*items) if hasattr(tree, "_fields") else tuple(items)
    return None if tree is None else function(tree, path)


def _detached(tree: Any) -> Any:
    return _map_structure(lambda x, _: x.detach() if isinstance(x, Tensor) else x, tree)


def _as_leaf(x: Any, path: tuple) -> Tensor:
    """The leaf that stands for an argument: the Variable itself, or a new tensor."""
    if isinstance(x, Variable):
        leaf: Tensor = x
    elif isinstance(x, Tensor):
        if x.requires_grad and _nesting.depth > 0:
            raise RuntimeError(
                f"grad: {_text(path)} is already being differentiated; gradients of gradients are "
                "not supported (detach() it if it is a constant)"
            )
        leaf = x.detach()
    else:
        leaf = from_data(x, what=f"grad: {_text(path)}")
    if leaf.dtype not in FLOATS:
        raise TypeError(
            f"grad: {_text(path)} has dtype {leaf.dtype}, expected a floating-point type"
        )
    return leaf


def _is_leaf(x: Any) -> bool:
    return isinstance(x, Variable) and x.requires_grad


def _text(path: tuple) -> str:
    place, *keys = path
    return f"argument {place}" + "".join(f"[{key!r}]" for key in keys)


def _are_leaves(tree: Any) -> bool:
    """Whether it is a list as the weights of a model are: most often it is."""
    return type(tree) is list and all(map(_is_leaf, tree))


def _as_leaves(tree: Any, path: tuple, leaves: list) -> Any:
    """The argument with leaves in the place of its arrays; they are added to `leaves`."""
    if _are_leaves(tree):
        leaves.extend(tree)
        return tree

    def leaf_of(x: Any, path: tuple) -> Tensor:
        leaf = _as_leaf(x, path)
        leaves.append(leaf)
        return leaf

    return _map_structure(leaf_of, tree, path)


def value_and_grad(
    f: Any, argnums: int | tuple | list = 0, has_aux: bool = False, sparse: bool = False
) -> Callable:
    """The function that returns f's value and its gradient for some of its arguments.

    f: returns a scalar Tensor, or (scalar, anything) with ``has_aux``
    argnums: position or positions of the arguments to differentiate for: arrays, Tensors,
        Variables, or lists, tuples and dicts of them
    sparse: whether the gradient of a table that f reads by `ops.embedding` alone (the layer
        Embedding does) is a RowGradient, with which an optimizer steps the rows that were read and
        no others, as in ``fit``; else it is a Tensor, most of it zeros
    Gradients have the structure of the arguments; zeros where f does not depend on a part.

    >>> value_and_grad(lambda x: (x * x).sum())(np.array([1.0, 2.0]))[1].tolist()
    [2.0, 4.0]
    """
    several = isinstance(argnums, (tuple, list))
    positions = tuple(argnums) if isinstance(argnums, (tuple, list)) else (argnums,)

    @functools.wraps(f)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        given = list(args)
        leaves: list[Tensor] = []
        for position in positions:
            if not -len(given) <= position < len(given):
                raise ValueError(
                    f"grad: argnums has {position}, but there are {len(given)} positional arguments"
                )
            place = position % len(given)
            given[place] = _as_leaves(given[place], (place,), leaves)
        switched = [leaf for leaf in leaves if not leaf.requires_grad]
        previous = _set_grad_enabled(True)
        _nesting.depth += 1
        try:
            for leaf in switched:
                leaf.requires_grad = True
            output = f(*given, **kwargs)
            value, aux = output if has_aux else (output, None)
            if not isinstance(value, Tensor) or value.ndim:
                got = f"shape {value.shape}" if isinstance(value, Tensor) else type(value).__name__
                raise TypeError(f"grad: the function must return a scalar Tensor, got {got}")
            found = _run((value,), (None,), sparse) if value.requires_grad else {}
        finally:
            _nesting.depth -= 1
            _set_grad_enabled(previous)
            for leaf in switched:
                leaf.requires_grad = False

        def gradient_of(leaf: Tensor, _: Any = None) -> Tensor | RowGradient:
            part = found.get(leaf)
            if part is not None:
                return part
            return _core.from_numpy(np.zeros(leaf.shape, leaf.dtype), leaf.device)

        def gradients_of(tree: Any) -> Any:
            if _are_leaves(tree):
                return list(map(gradient_of, tree))
            return _map_structure(gradient_of, tree)

        parts = tuple([gradients_of(given[position]) for position in positions])
        value = value.detach()
        return ((value, _detached(aux)) if has_aux else value), (parts if several else parts[0])

    return wrapped


def grad(f: Any, argnums: int | tuple | list = 0, has_aux: bool = False) -> Callable:
    """The function that returns f's gradient; with ``has_aux``, (gradient, aux).

    >>> grad(lambda x: x * x * x)(2.0).item()
    12.0
    """
    both = value_and_grad(f, argnums, has_aux)

    @functools.wraps(f)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        value, parts = both(*args, **kwargs)
        return (parts, value[1]) if has_aux else parts

    return wrapped


class no_grad:
    """Computes without recording: ``with no_grad(): ...``, or ``@no_grad`` before a function.

    >>> x = tensor(1.0, requires_grad=True)
    >>> with no_grad():
    ...     (x * 2).requires_grad
    False
    """

    _previous: list[bool]

    def __new__(cls, function: Any = None) -> Any:
        self = super().__new__(cls)
        self._previous = []
        return self if function is None else self(function)

    def __enter__(self) -> no_grad:
        self._previous.append(_set_grad_enabled(False))
        return self

    def __exit__(self, *exception: Any) -> None:
        _set_grad_enabled(self._previous.pop())

    def __call__(self, function: Any) -> Any:
        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with no_grad():
                return function(*args, **kwargs)

        return wrapped


def gradcheck(
    f: Any, inputs: Any, eps: float = 1e-6, atol: float = 1e-6, rtol: float = 1e-5
) -> bool:
    """Compares the gradients of f with central differences in float64.

    f: takes tensors, returns a Tensor or a tuple of them; must be deterministic
    inputs: an array-like or a tuple of them; floating-point ones are made float64 and
        differentiated, others are passed on
    Returns True, or raises AssertionError naming the first input and index that differ. Outputs are
    contracted with fixed random weights, so one backward checks all of them.

    >>> gradcheck(lambda x: x * x, np.array([1.0, 2.0]))
    True
    """
    arrays = [np.array(x) for x in (inputs if isinstance(inputs, (tuple, list)) else (inputs,))]
    arrays = [x.astype(np.float64) if x.dtype.kind == "f" else x for x in arrays]
    generator = np.random.default_rng(0)
    weights: list[np.ndarray] = []

    def outputs_of(tensors: Any) -> Any:
        results = f(*tensors)
        results = results if isinstance(results, (tuple, list)) else (results,)
        for result in results:
            if result.dtype != "float64":
                raise TypeError(f"gradcheck: an output has dtype {result.dtype}, expected float64")
        if not weights:
            weights.extend(generator.uniform(0.5, 1.5, result.shape) for result in results)
        return results

    def contracted() -> float:
        with no_grad():
            results = outputs_of([from_data(x) for x in arrays])
        return float(sum((w * np.asarray(y)).sum() for w, y in zip(weights, results)))

    tensors = [tensor(x, requires_grad=x.dtype.kind == "f") for x in arrays]
    results = outputs_of(tensors)
    used = [i for i, result in enumerate(results) if result.requires_grad]
    leaves = _run(tuple(results[i] for i in used), tuple(weights[i] for i in used))
    for i, x in enumerate(arrays):
        if x.dtype.kind != "f":
            continue
        found = leaves.get(tensors[i])
        analytic = np.zeros(x.shape) if found is None else np.array(found)
        for index in np.ndindex(x.shape):
            kept = x[index]
            x[index] = kept + eps
            above = contracted()
            x[index] = kept - eps
            below = contracted()
            x[index] = kept
            numeric = (above - below) / (2 * eps)
            if not abs(analytic[index] - numeric) <= atol + rtol * abs(numeric):
                raise AssertionError(
                    f"gradcheck: input {i} at index {index}: the gradient is "
                    f"{analytic[index]:.10g}, central differences give {numeric:.10g}"
                )
    return True
