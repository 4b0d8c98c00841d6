"""The layer: what all layers and models are made from."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import _core, config, ops, regularizers
from fastnn.context import context
from fastnn.dtypes import is_float, standardize_dtype
from fastnn.layers import masks
from fastnn.layers.building import Buildable
from fastnn.layers.call_spec import bind, first_argument, signature_of
from fastnn.layers.input_spec import check_inputs
from fastnn.layers.symbolic import (
    KerasTensor,
    Node,
    any_symbolic,
    output_spec,
    shapes_of,
    standardize_shape,
    symbols,
)
from fastnn.messages import shown
from fastnn.tensor import Tensor, from_data
from fastnn.utils import naming, tree
from fastnn.utils.serialization import (
    deserialize_keras_object,
    serialize_keras_object,
    without_unset,
)

if TYPE_CHECKING:
    from typing_extensions import Self

# How a layer may be called: by the general way; built and without others inside as call(x) or as
# call(x, training=...); built and with others inside, which see its ``training`` in the context.
_GENERAL, _PLAIN, _TRAINING, _CONTAINER = range(4)
_NOT_FLOATS = ("bool", "uint8", "int32", "int64")


class Layer(Buildable):
    """A callable with weights. Subclasses define ``call``, and ``build`` to make weights by shape.

    Args:
        activity_regularizer: a function of the output whose result, divided by the batch size, is
            added to the loss.
        trainable: whether the weights are trained.
        dtype: of weights and computations; floatx if None. Floating-point inputs are cast to it.
        autocast: whether they are.
        name: snake_case of the class and a counter if None.

    >>> class Scale(Layer):
    ...     def build(self, input_shape):
    ...         self.factor = self.add_weight(shape=input_shape[-1:], initializer="ones", name="f")
    ...     def call(self, inputs):
    ...         return inputs * self.factor
    >>> Scale()(np.ones((2, 3))).shape
    (2, 3)
    """

    _takes_training: bool
    _required: tuple[str, ...] = ()  # arguments that must be arrays; of calls that fastnn defines
    _takes_none: bool = False  # whether such an argument may be, or hold, None

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        cls._call_signature = signature_of(cls.call)
        cls._takes_training = "training" in cls._call_signature.names
        named, optional = cls._call_signature.positional, cls._call_signature.defaults
        own = _is_default(cls.call)
        cls._required = tuple([name for name in named if name not in optional]) if own else ()

    def __init__(
        self,
        *,
        activity_regularizer: Any = None,
        trainable: bool = True,
        dtype: Any = None,
        autocast: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ):
        shape = kwargs.pop("input_shape", None)
        if "input_dim" in kwargs:
            shape = (kwargs.pop("input_dim"),)
        batch_shape = kwargs.pop("batch_shape", kwargs.pop("batch_input_shape", None))
        if kwargs:
            raise ValueError(
                f"{type(self).__name__}: unexpected argument(s) {', '.join(sorted(kwargs))}"
            )
        if batch_shape is None and shape is not None:
            batch_shape = (None, *shape)
        self._input_shape_arg = None if batch_shape is None else standardize_shape(batch_shape)
        if name is not None and not isinstance(name, str):
            raise ValueError(f"{type(self).__name__}: name must be a string, got {name!r}")
        self.name = name or naming.auto_name(type(self).__name__)
        self._dtype = standardize_dtype(getattr(dtype, "name", dtype) or config.floatx())
        self.autocast = autocast
        self._accepted = frozenset((self._dtype, *_NOT_FLOATS))
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.input_spec: Any = None
        self.supports_masking = type(self).compute_mask is not Layer.compute_mask
        self._expect_masks()
        vars(self)["_trainable"] = bool(trainable)

    # ---- types and names

    @property
    def dtype(self) -> str:
        """The dtype of weights and computations."""
        return self._dtype

    compute_dtype = variable_dtype = dtype_policy = dtype

    @property
    def path(self) -> str:
        """The layer's name, which begins the paths of its weights."""
        return self.name

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={vars(self).get('name')}, built={self.built}>"

    # ---- calling

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """What the layer computes; to be defined by the subclass."""
        raise NotImplementedError(f"{type(self).__name__}: the class defines no call method")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        mode = self._mode
        if mode and len(args) == 1 and not masks.state.in_use:
            x = args[0]
            if type(x) is np.ndarray:
                x = self._converted(x)
            if isinstance(x, Tensor) and x.dtype in self._accepted:
                if mode == _CONTAINER:
                    if not kwargs or (len(kwargs) == 1 and "training" in kwargs):
                        return self._container_call(x, **kwargs)
                elif not kwargs:
                    if mode == _PLAIN:
                        return self.call(x)
                    return self.call(x, training=bool(context.training))
        return self._general_call(args, kwargs)

    def _container_call(self, x: Tensor, training: bool | None = None) -> Any:
        outer, depth = context.training, context.depth
        if training is None:
            training = outer
        if context.losses and not depth:
            self._clear_losses()
        context.training = training
        context.depth = depth + 1
        try:
            if self._takes_training and training is not None:
                return self.call(x, training=training)
            return self.call(x)
        finally:
            context.training = outer
            context.depth = depth

    def _general_call(self, args: tuple, kwargs: dict) -> Any:
        if "_accepted" not in vars(self):
            raise RuntimeError(
                f"{type(self).__name__}: call super().__init__() in the class's __init__"
            )
        args = tuple([self._converted(x) for x in args])
        kwargs = {name: self._converted(x) for name, x in kwargs.items()}
        self._check_arrays(args, kwargs)
        signature = self._call_signature
        if "training" not in signature.names and not signature.keywords:
            training = kwargs.pop("training", None)
        else:
            training = kwargs.get("training")
        if any_symbolic(args, kwargs):
            return self._symbolic_call(args, kwargs)
        first_call, path = not self.built, context.path
        if first_call:
            self._build_for(args, kwargs)
            context.path = (*path, self.name)
        elif context.losses and context.depth == 0:
            self._clear_losses()
        if self.input_spec is not None:
            check_inputs(self.input_spec, args, kwargs, self.name)
        outer = context.training
        if training is None:
            training = signature.defaults.get("training") if outer is None else outer
        if training is not None and self._takes_training:
            kwargs["training"] = training
        mask = masks.pass_on(signature, args, kwargs) if masks.state.in_use else None
        context.training = training
        context.depth += 1
        try:
            outputs = self.call(*args, **kwargs)
        finally:
            context.training = outer
            context.depth -= 1
            context.path = path
        if not self.built:
            self._finish_build((), {})
        if self.activity_regularizer is not None:
            self._add_activity_loss(outputs)
        if masks.state.in_use and self.supports_masking:
            inputs = first_argument(signature, args, kwargs)
            masks.set_masks(outputs, self.compute_mask(inputs, mask))
        if self._mode == _GENERAL:
            vars(self)["_mode"] = self._fast_mode()
        return outputs

    def _fast_mode(self) -> int:
        """The way in which the layer may be called from now on."""
        signature = self._call_signature
        if self.activity_regularizer is not None or self.input_spec is not None or self._losses:
            return _GENERAL
        if signature.keywords or not signature.names or signature.defaults.get("training"):
            return _GENERAL
        if self._layers:
            return _CONTAINER
        return _TRAINING if self._takes_training else _PLAIN

    def _converted(self, x: Any) -> Any:
        """An argument with arrays as tensors and floating-point ones in the layer's dtype."""
        if isinstance(x, Tensor):
            if x.dtype in self._accepted or not self.autocast or not is_float(self._dtype):
                return x
            return ops.cast(x, self._dtype)
        if isinstance(x, np.ndarray):
            cast = self.autocast and x.dtype.kind == "f" and is_float(self._dtype)
            x = from_data(x, self._dtype if cast else None, f"{self.name}: the input")
            if _core.devices_in_use() and (weights := self.weights):  # data joins them
                x = _core.to_device(x, weights[0].device)
            return x
        if tree.is_nested(x):
            return tree.map_structure(self._converted, x)
        if hasattr(x, "__array__") and type(x) is not KerasTensor:
            return self._converted(np.asarray(x))
        return x

    def _check_arrays(self, args: tuple, kwargs: dict) -> None:
        """Errors for arguments that are no arrays but must be: those by position, where None is
        nothing given, and the required ones, where it is an error."""
        names = [*self._call_signature.positional, *["argument"] * len(args)]
        required = self._required
        given = [*zip(names, args), *[(name, kwargs[name]) for name in required if name in kwargs]]
        for i, (name, x) in enumerate(given):
            if isinstance(x, Tensor) or type(x) is KerasTensor:
                continue
            leaves = tree.flatten(x)
            if not leaves and i == 0 and name in required:
                raise ValueError(f"{self.name}: {name}: expected arrays or tensors, got {x!r}")
            for leaf in leaves:
                if leaf is None and name in required and not self._takes_none:
                    raise TypeError(f"{self.name}: {name}: expected arrays or tensors, got None")
                if not isinstance(leaf, (Tensor, KerasTensor)) and leaf is not None:
                    raise ValueError(
                        f"{self.name}: {name}: expected arrays or tensors, got {shown(leaf)} of "
                        f"type {type(leaf).__name__} (lists of numbers: np.array(...) first; "
                        "options: by keyword)"
                    )
        for name in required[len(args) :]:
            if name not in kwargs:
                raise TypeError(f"{self.name}: {name} is missing, expected arrays or tensors")

    def _add_activity_loss(self, outputs: Any) -> None:
        for output in tree.flatten(outputs):
            if isinstance(output, Tensor):
                loss = self.activity_regularizer(output)
                self.add_loss(loss / output.shape[0] if output.ndim else loss)

    def _expect_masks(self) -> None:
        """A class of the user's that computes masks may make the first one of the process; fastnn's
        own layers that do say so themselves."""
        compute_mask = type(self).compute_mask
        if compute_mask is not Layer.compute_mask:
            masks.state.in_use |= not compute_mask.__module__.startswith(__package__)

    def __setstate__(self, state: dict) -> None:
        vars(self).update(state)
        self._expect_masks()

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """The mask of the outputs; the inputs' unless a subclass says otherwise."""
        return previous_mask

    # ---- symbolic calls

    def _symbolic_call(self, args: tuple, kwargs: dict) -> Any:
        if not self.built:
            self._build_for(args, kwargs)
        if self.input_spec is not None:
            check_inputs(self.input_spec, args, kwargs, self.name)
        outputs = self.compute_output_spec(*args, **kwargs)
        if not self.built:
            self._finish_build((), {})
        Node(self, args, kwargs, outputs)
        return outputs

    def compute_output_shape(self, *args: Any, **kwargs: Any) -> Any:
        """The shape of the output for an input shape; to be defined by the subclass."""
        raise NotImplementedError(f"{type(self).__name__} defines no compute_output_shape")

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Symbolic outputs for symbolic inputs.

        By ``compute_output_shape`` if the class defines it, else by calling the layer on small
        arrays.
        """
        if type(self).compute_output_shape is Layer.compute_output_shape:
            return self._spec_by_trial(args, kwargs)
        names = signature_of(type(self).compute_output_shape).names
        if len(names) == 1:
            first = first_argument(self._call_signature, args, kwargs)
            shape = self.compute_output_shape(shapes_of(first))
        else:
            given = bind(self._call_signature, args, kwargs)
            shapes = {f"{name}_shape": shapes_of(value) for name, value in given.items()}
            shape = self.compute_output_shape(**{n: shapes[n] for n in names if n in shapes})
        return symbols(shape, self.compute_dtype)

    def _spec_by_trial(self, args: tuple, kwargs: dict) -> Any:
        outer, context.training = context.training, False
        try:
            return output_spec(self.__call__, args, kwargs)
        finally:
            context.training = outer
            self._clear_losses()

    @property
    def input(self) -> Any:
        """The symbolic input of the only call."""
        node = self._only_node("input")
        return node.args[0] if len(node.args) == 1 else node.inputs

    @property
    def output(self) -> Any:
        """The symbolic output of the only call."""
        return self._only_node("output").outputs

    def _only_node(self, what: str) -> Node:
        if not self._inbound_nodes:
            raise AttributeError(f"{self.name} has no {what}: it was not called on symbolic values")
        if len(self._inbound_nodes) > 1:
            raise AttributeError(f"{self.name} was called several times: its {what} is ambiguous")
        return self._inbound_nodes[0]

    # ---- configuration

    def get_config(self) -> dict:
        """The arguments to make an equal layer with, JSON-able.

        A subclass that does not define it gets its own ``__init__`` arguments added.
        """
        base = {"name": self.name, "trainable": self.trainable, "dtype": self.dtype}
        if not _is_default(type(self).get_config) or _is_default(type(self).__init__):
            return base
        signature = signature_of(type(self).__init__)
        own = bind(signature, *self._init_arguments)
        if not signature.keywords:
            base = {key: value for key, value in base.items() if key in signature.names}
        try:
            return {key: serialize_keras_object(value) for key, value in {**base, **own}.items()}
        except (TypeError, ValueError) as error:
            raise NotImplementedError(
                f"{type(self).__name__} was made with arguments that cannot be saved ({error}): "
                "define get_config"
            ) from error

    @classmethod
    def from_config(cls, config: dict) -> Self:
        """A layer from ``get_config``'s dictionary."""
        config = without_unset(config, ("quantization_config",))
        if _is_default(cls.get_config):
            config = {key: deserialize_keras_object(value) for key, value in config.items()}
        try:
            layer = cls(**config)
        except TypeError as error:
            raise TypeError(f"{cls.__name__}.from_config({config}): {error}") from error
        if not layer.trainable:
            layer.trainable = False  # of layers, too, that it has made for itself
        return layer


def _is_default(method: Callable) -> bool:
    """Whether a method is fastnn's own, not one of a class of the user's."""
    return method.__module__.startswith("fastnn.")
