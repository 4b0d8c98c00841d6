"""Types of the compiled module. Written by tools/make_stubs.py; do not edit."""

from collections.abc import Sequence
from typing import Any

import numpy
from typing_extensions import Self

PRIMITIVES: dict[str, dict[str, Any]]
UNARY: dict[str, tuple[str, str]]
BINARY: dict[str, tuple[str, str]]
BINARY_OPERATIONS: dict[str, str]  # what users call them
REDUCE: dict[str, tuple[str, str]]
__version__: str

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

class Plan:
    def _pybind11_conduit_v1_(*args: Any) -> Any: ...
    def calls(self) -> list: ...
    def prepared_bytes(self) -> int: ...
    def profile(self, *args: Any) -> Any: ...
    def state(self) -> list: ...
    def verify(self, eager: Recording, inputs: tuple, before: list) -> str: ...
    def workspace_bytes(self) -> int: ...

class Recording:
    def __init__(self) -> None: ...
    def _pybind11_conduit_v1_(*args: Any) -> Any: ...
    def refuse(self, reason: str) -> None: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...

class Tensor:
    def __new__(cls, data: Any) -> Self: ...
    T: Any
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
    _rows: Any
    _version: Any
    def all(self, *args: Any, **kwargs: Any) -> Any: ...
    def any(self, *args: Any, **kwargs: Any) -> Any: ...
    def detach(self) -> Any: ...
    device: str
    dtype: str
    grad: Any
    def item(self) -> Any: ...
    def max(self, *args: Any, **kwargs: Any) -> Any: ...
    def mean(self, *args: Any, **kwargs: Any) -> Any: ...
    def min(self, *args: Any, **kwargs: Any) -> Any: ...
    nbytes: int
    ndim: int
    def numpy(self) -> numpy.ndarray: ...
    requires_grad: bool
    def reshape(self, *args: Any, **kwargs: Any) -> Any: ...
    shape: tuple[int, ...]
    size: int
    def sum(self, *args: Any, **kwargs: Any) -> Any: ...
    def transpose(self, *args: Any, **kwargs: Any) -> Any: ...
    def __getattr__(self, name: str) -> Any: ...
    def __eq__(self, other: Any) -> Any: ...  # type: ignore[override]
    def __ne__(self, other: Any) -> Any: ...  # type: ignore[override]

class Trace:
    def _pybind11_conduit_v1_(*args: Any) -> Any: ...

# A Tensor, or (tensor, shape, strides, offset): its elements read another way.
Operand = Tensor | tuple[Tensor, Sequence[int], Sequence[int], int]

def caches() -> dict: ...
def cgroup_processors(root: str = "") -> float: ...
def compiler() -> str: ...
def cpu_features() -> dict: ...
def dense(*args: Any) -> Any: ...
def devices_in_use(*args: Any) -> Any: ...
def empty(*args: Any) -> Any: ...
def fma_ceiling(rounds: int = 5) -> float: ...
def forget_programs() -> None: ...
def from_number(*args: Any) -> Any: ...
def from_numpy(*args: Any) -> Any: ...
def gemm_path(m: int, n: int, k: int, trans_a: bool = False, trans_b: bool = False) -> str: ...
def gemm_paths() -> list: ...
def get_backend() -> str: ...
def get_device(*args: Any) -> Any: ...
def get_local_threads() -> object: ...
def get_num_threads() -> int: ...
def is_grad_enabled(*args: Any) -> Any: ...
def is_recording() -> bool: ...
def keep_eager(reason: str) -> None: ...
def make_plan(*args: Any) -> Any: ...
def matmul(*args: Any) -> Any: ...
def memory_stats() -> dict: ...
def mode(*args: Any) -> Any: ...
def move(*args: Any) -> Any: ...
def other_output(*args: Any) -> Any: ...
def propagate(*args: Any) -> Any: ...
def record(*args: Any) -> Any: ...
def reduce_as(*args: Any) -> Any: ...
def register_backend(name: str, functions: object) -> None: ...
def register_device(load: object) -> None: ...
def register_planner(name: str, planner: object) -> None: ...
def release_memory() -> None: ...
def repeat(*args: Any) -> Any: ...
def replay(*args: Any) -> Any: ...
def reshape(*args: Any) -> Any: ...
def round_trip(rounds: int = 5) -> float: ...
def rows(*args: Any) -> Any: ...
def set_backend(name: str) -> None: ...
def set_default_backend(name: str) -> None: ...
def set_default_device(name: str) -> None: ...
def set_device(name: str) -> None: ...
def set_grad_enabled(*args: Any) -> Any: ...
def set_hooks(*args: Any) -> Any: ...
def set_local_threads(arg0: object) -> None: ...
def set_num_threads(arg0: object) -> None: ...
def set_strict_backend(strict: bool) -> None: ...
def share_numpy(*args: Any) -> Any: ...
def stream(read: list, updated: list, written: list) -> None: ...
def targets() -> dict: ...
def threads_origin() -> str: ...
def to_device(*args: Any) -> Any: ...
def trace(recording: Recording, inputs: tuple, results: tuple) -> Trace: ...
def usable_processors(root: str = "") -> int: ...
def accumulate(
    total: Tensor,
    count: Tensor,
    x: Tensor,
    scale: float = ...,
    rows: float = ...,
    /,
) -> None: ...
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
def assign(
    y: Tensor,
    x: Tensor,
    /,
) -> None: ...
def attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    mask: Tensor | None,
    rate: Tensor | None,
    state: Tensor | None,
    scale: float = ...,
    causal: bool = ...,
    /,
) -> tuple[Tensor, Tensor, Tensor | None]: ...
def attention_backward(
    dy: Tensor,
    y: Tensor,
    lse: Tensor,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    mask: Tensor | None,
    rate: Tensor | None,
    drawn: Tensor | None,
    scale: float = ...,
    causal: bool = ...,
    /,
) -> tuple[Tensor, Tensor, Tensor]: ...
def average_pool(
    x: Tensor,
    window: Sequence[int] = ...,
    strides: Sequence[int] = ...,
    pads: Sequence[int] = ...,
    count_include_pad: bool = ...,
    ceil: bool = ...,
    /,
) -> Tensor: ...
def average_pool_backward(
    dy: Tensor,
    extents: Sequence[int] = ...,
    window: Sequence[int] = ...,
    strides: Sequence[int] = ...,
    pads: Sequence[int] = ...,
    count_include_pad: bool = ...,
    ceil: bool = ...,
    /,
) -> Tensor: ...
def batch_norm(
    x: Tensor,
    gamma: Tensor | None,
    beta: Tensor | None,
    given_mean: Tensor | None,
    given_variance: Tensor | None,
    moving_mean: Tensor | None,
    moving_variance: Tensor | None,
    epsilon: float = ...,
    momentum: float = ...,
    /,
) -> tuple[Tensor, Tensor, Tensor]: ...
def batch_norm_backward(
    dy: Tensor,
    x: Tensor,
    mean: Tensor,
    rstd: Tensor,
    gamma: Tensor | None,
    batch_statistics: bool = ...,
    want_dx: bool = ...,
    /,
) -> tuple[Tensor | None, Tensor, Tensor]: ...
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
def conv(
    x: Tensor,
    w: Tensor,
    bias: Tensor | None,
    residual: Tensor | None,
    strides: Sequence[int] = ...,
    pads: Sequence[int] = ...,
    dilation: Sequence[int] = ...,
    groups: int = ...,
    activation: str = ...,
    a: float = ...,
    want_preactivation: bool = ...,
    algorithm: str = ...,
    /,
) -> tuple[Tensor, Tensor | None]: ...
def conv_backward_input(
    dy: Tensor,
    w: Tensor,
    strides: Sequence[int] = ...,
    pads: Sequence[int] = ...,
    dilation: Sequence[int] = ...,
    groups: int = ...,
    extents: Sequence[int] = ...,
    algorithm: str = ...,
    /,
) -> Tensor: ...
def conv_backward_kernel(
    x: Tensor,
    dy: Tensor,
    strides: Sequence[int] = ...,
    pads: Sequence[int] = ...,
    dilation: Sequence[int] = ...,
    groups: int = ...,
    window: Sequence[int] = ...,
    want_db: bool = ...,
    algorithm: str = ...,
    /,
) -> tuple[Tensor, Tensor | None]: ...
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
def ctc_decode(
    inputs: Tensor,
    sequence_lengths: Tensor,
    beam_width: int = ...,
    top_paths: int = ...,
    mask_index: int = ...,
    /,
) -> tuple[Tensor, Tensor]: ...
def ctc_loss(
    output: Tensor,
    target: Tensor,
    output_length: Tensor,
    target_length: Tensor,
    mask_index: int = ...,
    zero_infinity: bool = ...,
    /,
) -> tuple[Tensor, Tensor]: ...
def cumulative(
    x: Tensor,
    op: str = ...,
    axis: int = ...,
    reverse: bool = ...,
    /,
) -> Tensor: ...
def cumulative_prod_backward(
    dy: Tensor,
    x: Tensor,
    y: Tensor,
    axis: int = ...,
    reverse: bool = ...,
    /,
) -> Tensor: ...
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
    noise_shape: Sequence[int] = ...,
    /,
) -> tuple[Tensor, Tensor]: ...
def dropout_backward(
    dy: Tensor,
    mask: Tensor,
    rate: Tensor,
    kind: str = ...,
    /,
) -> Tensor: ...
def elementwise(
    xs: Sequence[Tensor],
    function: int = ...,
    outputs: int = ...,
    constants: Sequence[float] = ...,
    /,
) -> list[Tensor]: ...
def fold(
    y: Tensor,
    window: Sequence[int] = ...,
    strides: Sequence[int] = ...,
    pads: Sequence[int] = ...,
    dilation: Sequence[int] = ...,
    extents: Sequence[int] = ...,
    /,
) -> Tensor: ...
def gather(
    x: Tensor,
    indices: Tensor,
    axis: int = ...,
    wrap: bool = ...,
    owner: str = ...,
    /,
) -> Tensor: ...
def gather_batch(
    xs: Sequence[Tensor],
    permutation: Tensor,
    position: Tensor,
    rows: int = ...,
    dtypes: Sequence[int] = ...,
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
def lerp_list(
    averages: Sequence[Tensor],
    xs: Sequence[Tensor],
    momentum: Tensor,
    /,
) -> None: ...
def max_pool(
    x: Tensor,
    window: Sequence[int] = ...,
    strides: Sequence[int] = ...,
    pads: Sequence[int] = ...,
    dilation: Sequence[int] = ...,
    ceil: bool = ...,
    want_which: bool = ...,
    through_relu: bool = ...,
    /,
) -> tuple[Tensor, Tensor | None]: ...
def max_pool_backward(
    dy: Tensor,
    which: Tensor | None,
    x: Tensor | None,
    extents: Sequence[int] = ...,
    window: Sequence[int] = ...,
    strides: Sequence[int] = ...,
    pads: Sequence[int] = ...,
    dilation: Sequence[int] = ...,
    ceil: bool = ...,
    /,
) -> Tensor: ...
def moments(
    x: Operand,
    axes: Sequence[int] = ...,
    keepdims: bool = ...,
    /,
) -> tuple[Tensor, Tensor]: ...
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
    learning_rate: Tensor,
    hyper: Tensor,
    iterations: Tensor,
    product: Tensor | None,
    accumulators: Sequence[Tensor] | None,
    averages: Sequence[Tensor] | None,
    loss_scale: Tensor | None,
    rows: Sequence[Tensor] | None,
    rule: str = ...,
    clip: str = ...,
    limit: float = ...,
    scale: float = ...,
    weight_decay: float = ...,
    decayed: int = ...,
    accumulate: int = ...,
    momentum: float = ...,
    overwrite: int = ...,
    /,
) -> None: ...
def pad(
    x: Tensor,
    before: Sequence[int] = ...,
    after: Sequence[int] = ...,
    mode: int = ...,
    value: float = ...,
    /,
) -> Tensor: ...
def random_integers(
    state: Tensor,
    shape: Sequence[int] = ...,
    low: int = ...,
    high: int = ...,
    dtype: str = ...,
    /,
) -> Tensor: ...
def random_normal(
    state: Tensor,
    shape: Sequence[int] = ...,
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
    shape: Sequence[int] = ...,
    low: float = ...,
    high: float = ...,
    dtype: str = ...,
    /,
) -> Tensor: ...
def reduce(
    x: Operand,
    op: str = ...,
    axes: Sequence[int] = ...,
    keepdims: bool = ...,
    /,
) -> Tensor: ...
def reduce_list(
    xs: Sequence[Tensor],
    op: str = ...,
    /,
) -> Tensor: ...
def require_no_nan(
    x: Tensor,
    what: str = ...,
    /,
) -> None: ...
def resize(
    x: Tensor,
    size: Sequence[int] = ...,
    method: str = ...,
    corners: str = ...,
    /,
) -> Tensor: ...
def resize_backward(
    dy: Tensor,
    extents: Sequence[int] = ...,
    method: str = ...,
    corners: str = ...,
    /,
) -> Tensor: ...
def rnn(
    inputs: Tensor,
    weights: Sequence[Tensor],
    initial_state: Sequence[Tensor] | None,
    mask: Tensor | None,
    cell: str = ...,
    activation: str = ...,
    recurrent_activation: str = ...,
    directions: int = ...,
    backwards: bool = ...,
    zero_masked: bool = ...,
    want_sequence: bool = ...,
    want_history: bool = ...,
    /,
) -> tuple[Tensor | None, list[Tensor], list[Tensor], list[Tensor]]: ...
def rnn_backward(
    dy: Tensor | None,
    dlast: Sequence[Tensor] | None,
    x: Tensor,
    weights: Sequence[Tensor],
    mask: Tensor | None,
    gates: Sequence[Tensor],
    history: Sequence[Tensor],
    cell: str = ...,
    activation: str = ...,
    recurrent_activation: str = ...,
    directions: int = ...,
    backwards: bool = ...,
    zero_masked: bool = ...,
    want_dx: bool = ...,
    want_dweights: bool = ...,
    want_dinitial: bool = ...,
    /,
) -> tuple[Tensor | None, list[Tensor], list[Tensor]]: ...
def row_norm(
    x: Tensor,
    gamma: Tensor | None,
    beta: Tensor | None,
    kind: str = ...,
    epsilon: float = ...,
    /,
) -> tuple[Tensor, Tensor | None, Tensor]: ...
def row_norm_backward(
    dy: Tensor,
    x: Tensor,
    mean: Tensor | None,
    rstd: Tensor,
    gamma: Tensor | None,
    want_dx: bool = ...,
    want_dgamma: bool = ...,
    want_dbeta: bool = ...,
    /,
) -> tuple[Tensor | None, Tensor | None, Tensor | None]: ...
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
def searchsorted(
    edges: Tensor,
    x: Tensor,
    right: bool = ...,
    /,
) -> Tensor: ...
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
def sort(
    x: Tensor,
    axis: int = ...,
    descending: bool = ...,
    count: int = ...,
    want_values: bool = ...,
    want_indices: bool = ...,
    /,
) -> tuple[Tensor | None, Tensor | None]: ...
def sum_rows(
    updates: Tensor,
    indices: Tensor,
    extent: int = ...,
    /,
) -> tuple[Tensor, Tensor]: ...
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
def unfold(
    x: Tensor,
    window: Sequence[int] = ...,
    strides: Sequence[int] = ...,
    pads: Sequence[int] = ...,
    dilation: Sequence[int] = ...,
    /,
) -> Tensor: ...
