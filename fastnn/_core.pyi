"""Types of the compiled module. Written by tools/make_stubs.py; do not edit."""

from collections.abc import Callable, Sequence
import typing
from typing import Any

import numpy

# A Tensor, or (tensor, shape, strides, offset): its elements read another way.
Operand = Tensor | tuple[Tensor, tuple[int, ...], tuple[int, ...], int]

PRIMITIVES: dict[str, dict[str, Any]]
UNARY: dict[str, tuple[str, str]]
BINARY: dict[str, tuple[str, str]]
REDUCE: dict[str, tuple[str, str]]
__version__: str


class Tensor:
    def __init__(self, data: Any) -> None: ...
    def __abs__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __add__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __and__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __array__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __bool__(self) -> bool: ...
    def __dlpack__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __dlpack_device__(self) -> Any: ...
    def __float__(self) -> float: ...
    def __floordiv__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __ge__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __getitem__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __gt__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __hash__(self) -> int: ...
    def __index__(self) -> int: ...
    def __int__(self) -> int: ...
    def __invert__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __le__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __len__(self) -> int: ...
    def __lshift__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __lt__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __matmul__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __mod__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __mul__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __neg__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __or__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __pos__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __pow__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __radd__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __rand__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __repr__(self) -> str: ...
    def __rfloordiv__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __rlshift__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __rmatmul__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __rmod__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __rmul__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __ror__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __rpow__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __rrshift__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __rshift__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __rsub__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __rtruediv__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __rxor__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __sub__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __truediv__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __xor__(self, *args: Any, **kwargs: Any) -> Any: ...
    _logits: Any
    _mask: Any
    _node: Any
    _output_index: Any
    _version: Any
    def detach(self) -> Any: ...
    device: str
    dtype: str
    grad: Any
    def item(self) -> Any: ...
    nbytes: int
    ndim: int
    def numpy(self) -> numpy.ndarray: ...
    requires_grad: bool
    shape: tuple[int, ...]
    size: int
    def __getattr__(self, name: str) -> Any: ...
    def __eq__(self, other: Any) -> Any: ...  # type: ignore[override]
    def __ne__(self, other: Any) -> Any: ...  # type: ignore[override]

class Node:
    needs: tuple[bool, ...]
    output_count: int
    def parent_shape(self, *args: Any, **kwargs: Any) -> Any: ...
    parents: Any
    def release(self) -> Any: ...
    released: bool
    rule: Any
    saved: Any
    sequence: int

def assign(*args: Any) -> Any: ...

def caches() -> dict: ...

def cgroup_processors(root: str = '') -> float: ...

def compiler() -> str: ...

def cpu_features() -> dict: ...

def empty(*args: Any) -> Any: ...

def fma_ceiling(rounds: typing.SupportsInt | typing.SupportsIndex = 5) -> float: ...

def from_dlpack(*args: Any) -> Any: ...

def from_numpy(*args: Any) -> Any: ...

def get_backend() -> str: ...

def get_local_threads() -> object: ...

def get_num_threads() -> int: ...

def is_grad_enabled(*args: Any) -> Any: ...

def memory_stats() -> dict: ...

def propagate(*args: Any) -> Any: ...

def record(*args: Any) -> Any: ...

def register_backend(name: str, functions: object) -> None: ...

def release_memory() -> None: ...

def reshape(*args: Any) -> Any: ...

def rows(*args: Any) -> Any: ...

def set_backend(name: str) -> None: ...

def set_default_backend(name: str) -> None: ...

def set_grad_enabled(*args: Any) -> Any: ...

def set_hooks(*args: Any) -> Any: ...

def set_local_threads(arg0: object) -> None: ...

def set_num_threads(arg0: object) -> None: ...

def set_strict_backend(strict: bool) -> None: ...

def targets() -> dict: ...

def threads_origin() -> str: ...

def usable_processors(root: str = '') -> int: ...

def arange(
    start: float = ...,
    step: float = ...,
    count: int = ...,
    dtype: str = ...,
    /,
) -> Tensor: ...

def arg_reduce(
    x: Operand,
    op: str = ...,
    axis: int = ...,
    keepdims: bool = ...,
    /,
) -> Tensor: ...

def binary(
    x1: Operand,
    x2: Operand,
    op: str = ...,
    /,
) -> Tensor: ...

def binary_cross_entropy(
    logits: Tensor,
    targets: Tensor,
    sample_weight: Tensor | None,
    smoothing: float = ...,
    /,
) -> tuple[Tensor, Tensor]: ...

def concatenate(
    xs: Sequence[Tensor],
    axis: int = ...,
    /,
) -> Tensor: ...

def copy(
    x: Operand,
    dtype: str = ...,
    scale: float = ...,
    /,
) -> Tensor: ...

def cross_entropy(
    logits: Tensor,
    labels: Tensor,
    sample_weight: Tensor | None,
    smoothing: float = ...,
    has_ignore: bool = ...,
    ignore_class: int = ...,
    /,
) -> tuple[Tensor, Tensor]: ...

def dense_backward(
    dy: Tensor,
    x: Tensor,
    w: Tensor,
    value: Tensor,
    activation: str = ...,
    a: float = ...,
    want_dx: bool = ...,
    want_dw: bool = ...,
    want_db: bool = ...,
    /,
) -> tuple[Tensor | None, Tensor | None, Tensor | None]: ...

def dropout(
    x: Tensor,
    rate: Tensor,
    state: Tensor,
    kind: str = ...,
    noise_shape: tuple[int, ...] = ...,
    /,
) -> tuple[Tensor, Tensor]: ...

def dropout_backward(
    dy: Tensor,
    mask: Tensor,
    rate: Tensor,
    kind: str = ...,
    /,
) -> Tensor: ...

def gather(
    x: Tensor,
    indices: Tensor,
    axis: int = ...,
    wrap: bool = ...,
    /,
) -> Tensor: ...

def gather_batch(
    xs: Sequence[Tensor],
    permutation: Tensor,
    position: Tensor,
    rows: int = ...,
    dtypes: tuple[int, ...] = ...,
    scale: float = ...,
    /,
) -> list[Tensor]: ...

def gather_nd(
    x: Tensor,
    indices: Tensor,
    batch_dims: int = ...,
    /,
) -> Tensor: ...

def gemm(
    A: Operand,
    B: Operand,
    bias: Tensor | None,
    residual: Tensor | None,
    C0: Tensor | None,
    trans_a: bool = ...,
    trans_b: bool = ...,
    alpha: float = ...,
    beta: float = ...,
    activation: str = ...,
    a: float = ...,
    want_preactivation: bool = ...,
    /,
) -> tuple[Tensor, Tensor | None]: ...

def one_hot(
    labels: Tensor,
    depth: int = ...,
    on: float = ...,
    off: float = ...,
    dtype: str = ...,
    /,
) -> Tensor: ...

def optimizer_step(
    parameters: Sequence[Tensor],
    slots: Sequence[Tensor],
    gradients: Sequence[Tensor],
    hyper: Tensor,
    iterations: Tensor,
    rule: str = ...,
    nesterov: bool = ...,
    amsgrad: bool = ...,
    /,
) -> None: ...

def pad(
    x: Tensor,
    before: tuple[int, ...] = ...,
    after: tuple[int, ...] = ...,
    mode: int = ...,
    value: float = ...,
    /,
) -> Tensor: ...

def random_integers(
    state: Tensor,
    shape: tuple[int, ...] = ...,
    low: int = ...,
    high: int = ...,
    dtype: str = ...,
    /,
) -> Tensor: ...

def random_normal(
    state: Tensor,
    shape: tuple[int, ...] = ...,
    mean: float = ...,
    std: float = ...,
    truncated: bool = ...,
    dtype: str = ...,
    /,
) -> Tensor: ...

def random_permutation(
    state: Tensor,
    n: int = ...,
    /,
) -> Tensor: ...

def random_uniform(
    state: Tensor,
    shape: tuple[int, ...] = ...,
    low: float = ...,
    high: float = ...,
    dtype: str = ...,
    /,
) -> Tensor: ...

def reduce(
    x: Operand,
    op: str = ...,
    axes: tuple[int, ...] = ...,
    keepdims: bool = ...,
    /,
) -> Tensor: ...

def reduce_list(
    xs: Sequence[Tensor],
    op: str = ...,
    /,
) -> Tensor: ...

def scale_list(
    xs: Sequence[Tensor],
    scale: Tensor,
    /,
) -> None: ...

def scatter_add(
    y: Tensor,
    updates: Tensor,
    indices: Tensor,
    axis: int = ...,
    wrap: bool = ...,
    /,
) -> None: ...

def scatter_nd_add(
    y: Tensor,
    updates: Tensor,
    indices: Tensor,
    batch_dims: int = ...,
    /,
) -> None: ...

def select(
    mask: Operand,
    a: Operand,
    b: Operand,
    /,
) -> Tensor: ...

def softmax(
    x: Tensor,
    axis: int = ...,
    log: bool = ...,
    /,
) -> Tensor: ...

def softmax_backward(
    dy: Tensor,
    y: Tensor,
    axis: int = ...,
    log: bool = ...,
    /,
) -> Tensor: ...

def unary(
    x: Operand,
    op: str = ...,
    a: float = ...,
    b: float = ...,
    /,
) -> Tensor: ...

def unary_backward(
    dy: Tensor,
    value: Tensor,
    op: str = ...,
    a: float = ...,
    b: float = ...,
    /,
) -> Tensor: ...
