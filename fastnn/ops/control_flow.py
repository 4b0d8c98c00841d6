"""Branches, loops and scans with keras.ops's names: plain Python, since code here runs eagerly.

A recorded step keeps what Python values decided: a loop as often as it went, the branch that was
taken. Where a Tensor's value decides, the step stays eager.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from operator import index
from typing import Any

import numpy as np

from fastnn import _core
from fastnn.autograd import no_grad
from fastnn.ops.core import Tensor, as_float, as_tensor, normalize_axis, record
from fastnn.ops.joining import concatenate, stack
from fastnn.ops.shape import broadcast_to, flip, reshape
from fastnn.utils.tree import flatten, map_structure, pack_sequence_as

# ---- branches ------------------------------------------------------------------------------------


def cond(pred: Any, true_fn: Callable, false_fn: Callable) -> Any:
    """true_fn() if a scalar is true, else false_fn(); the other is not called.

    >>> cond(True, lambda: 1, lambda: 2)
    1
    """
    return true_fn() if bool(pred) else false_fn()


def switch(index: Any, branches: Any, *operands: Any) -> Any:
    """branches[index](*operands); an index outside means the nearest branch.

    >>> switch(1, [lambda x: x, lambda x: x * 2], 3)
    6
    """
    if not branches:
        raise ValueError("switch: there are no branches")
    return branches[min(max(int(index), 0), len(branches) - 1)](*operands)


# ---- loops ---------------------------------------------------------------------------------------


def while_loop(
    cond: Callable, body: Callable, loop_vars: Any, maximum_iterations: int | None = None
) -> Any:
    """The variables after ``body`` was applied to them as long as ``cond`` of them is true.

    loop_vars: a list or tuple, which body returns alike, or a single value
    maximum_iterations: how often at most

    >>> while_loop(lambda i, total: i < 3, lambda i, total: (i + 1, total + i), (0, 0))
    (3, 3)
    """
    several = isinstance(loop_vars, (list, tuple))
    current = tuple(loop_vars) if several else (loop_vars,)
    count = 0
    while (maximum_iterations is None or count < maximum_iterations) and bool(cond(*current)):
        result = body(*current)
        current = tuple(result) if isinstance(result, (list, tuple)) else (result,)
        if several and len(current) != len(loop_vars):
            raise ValueError(
                f"while_loop: body returned {len(current)} values for {len(loop_vars)} loop_vars"
            )
        count += 1
    if not several:
        return current[0]
    return list(current) if isinstance(loop_vars, list) else current


def fori_loop(lower: Any, upper: Any, body_fun: Callable, init_val: Any) -> Any:
    """body_fun(i, value) for i from lower to before upper, each with the value of the last.

    >>> fori_loop(0, 4, lambda i, value: value + i, 0)
    6
    """
    value = init_val
    for i in range(int(lower), int(upper)):
        value = body_fun(i, value)
    return value


# ---- along an axis -------------------------------------------------------------------------------


def _leaves(operation: str, structure: Any) -> list:
    """The tensors of a structure, which must have a first axis of one extent."""
    leaves = [as_tensor(leaf, None, f"{operation}: xs") for leaf in flatten(structure)]
    extents = {leaf.shape[:1] for leaf in leaves}
    if len(extents) != 1 or () in extents:
        shapes = ", ".join(str(leaf.shape) for leaf in leaves)
        raise ValueError(f"{operation}: xs need a first axis of one extent, got shapes {shapes}")
    return leaves


def _stacked(results: list) -> Any:
    """A list of equal structures as one structure of tensors with a new first axis."""
    columns = zip(*(flatten(result) for result in results))
    return pack_sequence_as(results[0], [stack(list(column)) for column in columns])


def scan(
    f: Callable,
    init: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    unroll: Any = 1,
) -> tuple:
    """A state carried along the first axis: carry, y = f(carry, x) for each slice x.

    init: the first carry   xs: a tensor or a structure of them, or None with ``length``
    reverse: begins with the last slice   unroll: makes no difference
    Returns the last carry and the ys, stacked in the order of xs; None if they are.

    >>> numbers = np.array([1.0, 2.0, 3.0])
    >>> total, sums = scan(lambda carry, x: (carry + x, carry + x), 0.0, numbers)
    >>> total.item(), sums.tolist()
    (6.0, [1.0, 3.0, 6.0])
    """
    if xs is None:
        if length is None:
            raise ValueError("scan: xs or length must be given")
        count, leaves = index(length), []
    else:
        leaves = _leaves("scan", xs)
        count = leaves[0].shape[0]
        if length is not None and index(length) != count:
            raise ValueError(f"scan: length is {length}, but xs have {count} slices")
    carry, results = init, []
    for i in reversed(range(count)) if reverse else range(count):
        x = None if xs is None else pack_sequence_as(xs, [leaf[i] for leaf in leaves])
        carry, y = f(carry, x)
        results.append(y)
    if reverse:
        results.reverse()
    if not results or results[0] is None:
        return carry, None
    return carry, _stacked(results)


def map(f: Callable, xs: Any) -> Any:
    """f of each slice along the first axis, stacked.

    xs: a tensor or a structure of them, of which f gets one of slices

    >>> map(lambda x: x * 2, np.array([1.0, 2.0])).tolist()
    [2.0, 4.0]
    """
    leaves = _leaves("map", xs)
    if not leaves[0].shape[0]:
        raise ValueError("map: xs have no slices, so the result has no shape")
    parts = [pack_sequence_as(xs, [leaf[i] for leaf in leaves]) for i in range(leaves[0].shape[0])]
    return _stacked([f(part) for part in parts])


def vectorized_map(function: Callable, elements: Any) -> Any:
    """map under its other name."""
    return map(function, elements)


def associative_scan(f: Callable, elems: Any, reverse: bool = False, axis: int = 0) -> Any:
    """All partial results of an associative operation along an axis: a, f(a, b), f(f(a, b), c) ...

    f: takes and returns two tensors (or structures like elems), with the axis of extent 1
    reverse: begins at the end

    >>> associative_scan(lambda a, b: a + b, np.array([1.0, 2.0, 3.0])).tolist()
    [1.0, 3.0, 6.0]
    """
    leaves = [as_tensor(leaf, None, "associative_scan: elems") for leaf in flatten(elems)]
    axes = [normalize_axis("associative_scan", axis, leaf.ndim) for leaf in leaves]
    counts = {leaf.shape[along] for leaf, along in zip(leaves, axes)}
    if len(counts) != 1:
        raise ValueError(f"associative_scan: axis {axis} has different extents, {sorted(counts)}")
    (count,) = counts
    if count < 2:
        return pack_sequence_as(elems, leaves)
    if reverse:
        leaves = [flip(leaf, along) for leaf, along in zip(leaves, axes)]

    def part(i: int) -> Any:
        keys = [(*(slice(None),) * along, slice(i, i + 1)) for along in axes]
        return pack_sequence_as(elems, [leaf[key] for leaf, key in zip(leaves, keys)])

    results = [part(0)]
    for i in range(1, count):
        results.append(f(results[-1], part(i)))
    columns = zip(*(flatten(result) for result in results))
    joined = [concatenate(list(column), along) for column, along in zip(columns, axes)]
    if reverse:
        joined = [flip(leaf, along) for leaf, along in zip(joined, axes)]
    return pack_sequence_as(elems, joined)


_SIGNATURE = re.compile(r"^(\([\w,]*\))(,\([\w,]*\))*->(\([\w,]*\))(,\([\w,]*\))*$")


def _core_axes(signature: str | None, count: int) -> list:
    """How many axes of each argument a call of the function takes."""
    if signature is None:
        return [0] * count
    compact = signature.replace(" ", "")
    if not _SIGNATURE.match(compact):
        raise ValueError(f"vectorize: signature {signature!r} is not like '(n),(n)->()'")
    groups = re.findall(r"\(([\w,]*)\)", compact.split("->")[0])
    if len(groups) != count:
        raise ValueError(f"vectorize: signature {signature!r} is not of {count} arguments")
    return [len([name for name in group.split(",") if name]) for group in groups]


def vectorize(pyfunc: Callable, *, excluded: Any = None, signature: str | None = None) -> Callable:
    """A function of scalars (or of what a signature tells) as one of tensors that broadcast.

    excluded: positions and names of arguments that are passed as they are
    signature: such as "(n),(n)->()": how many axes of each argument a call gets

    The function is called once for each element; its results are stacked.

    >>> step = vectorize(lambda x, limit: x if float(x) > float(limit) else limit)
    >>> step([1.0, 5.0], 2.0).tolist()
    [2.0, 5.0]
    """
    passed = set(excluded or ())

    def vectorized(*args: Any, **kwargs: Any) -> Any:
        places = [i for i in range(len(args)) if i not in passed]
        names = [name for name in kwargs if name not in passed]
        given = [args[i] for i in places] + [kwargs[name] for name in names]
        tensors = [as_tensor(x, None, "vectorize: argument") for x in given]
        cores = _core_axes(signature, len(tensors))
        splits = [x.ndim - n for x, n in zip(tensors, cores)]
        if min(splits, default=0) < 0:
            raise ValueError(f"vectorize: an argument has fewer axes than {signature!r} tells")
        loop = np.broadcast_shapes(*(x.shape[:k] for x, k in zip(tensors, splits)))
        count = int(np.prod(loop, dtype=np.int64))
        if not count:
            raise ValueError("vectorize: there are no elements, so the result has no shape")
        rows = [
            reshape(broadcast_to(x, (*loop, *x.shape[k:])), (count, *x.shape[k:]))
            for x, k in zip(tensors, splits)
        ]
        results = []
        for i in range(count):
            own, named = list(args), dict(kwargs)
            for place, row in zip(places, rows):
                own[place] = row[i]
            for name, row in zip(names, rows[len(places) :]):
                named[name] = row[i]
            results.append(pyfunc(*own, **named))
        return map_structure(lambda y: reshape(y, (*loop, *y.shape[1:])), _stacked(results))

    return vectorized


# ---- gradients -----------------------------------------------------------------------------------


def _custom_rule(node: _core.Node, gradient: Any) -> Any:
    (backward,) = node.saved
    gradients = backward(*gradient) if isinstance(gradient, tuple) else backward(gradient)
    return gradients if len(node.needs) > 1 else _first(gradients)


def _first(gradients: Any) -> Any:
    return gradients[0] if isinstance(gradients, (list, tuple)) else gradients


def custom_gradient(f: Callable) -> Callable:
    """A function whose gradient is its author's.

    f: takes tensors and returns (result, backward); backward(gradient of the result) returns a
        gradient for each argument. With several results it gets a gradient for each.

    >>> @custom_gradient
    ... def clipped(x):
    ...     return x, lambda gradient: gradient * 0.5
    >>> x = as_tensor([2.0]).detach()
    >>> x.requires_grad = True
    >>> clipped(x).backward(np.ones(1, "float32"))
    >>> x.grad.tolist()
    [0.5]
    """

    def function(*args: Any) -> Any:
        parents = [
            x if isinstance(x, Tensor) else as_float(x, f"{f.__name__}: argument {i}")
            for i, x in enumerate(args)
        ]
        with no_grad():
            result, backward = f(*(x.detach() for x in parents))
        several = isinstance(result, (list, tuple))
        result = tuple(result) if several else result
        return record(result, _custom_rule, (backward,), *parents)

    function.__name__, function.__doc__ = f.__name__, f.__doc__
    return function
