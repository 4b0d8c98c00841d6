"""Differentiable operations with keras.ops's names and arguments.

They take Tensors, NumPy arrays and numbers alike and return Tensors. An operation is a forward
computation and, beside it, its gradient rule: ``return record(primitive(...), rule, saved,
*parents)``. A rule is called as ``rule(node, gradient)`` and returns a gradient a parent, None for
none; a gradient of the broadcast shape is summed back by ``backward``.
"""

# ruff: noqa: F401 (names as in keras.ops; what is imported here is what there is)

from fastnn.ops import image, linalg
from fastnn.ops import methods as _methods
from fastnn.ops.activation import (
    celu,
    elu,
    gelu,
    glu,
    hard_shrink,
    hard_sigmoid,
    hard_silu,
    hard_swish,
    hard_tanh,
    leaky_relu,
    log_sigmoid,
    log_softmax,
    mish,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    soft_shrink,
    softmax,
    softplus,
    softsign,
    sparse_plus,
    sparse_sigmoid,
    sparsemax,
    squareplus,
    swish,
    tanh,
    tanh_shrink,
    threshold,
)
from fastnn.ops.arithmetic import (
    add,
    arctan2,
    divide,
    floor_divide,
    maximum,
    minimum,
    mod,
    multiply,
    power,
    squared_difference,
    subtract,
    true_divide,
)
from fastnn.ops.attention import dot_product_attention
from fastnn.ops.batch_normalization import batch_normalization
from fastnn.ops.comparison import (
    bitwise_and,
    bitwise_or,
    bitwise_xor,
    clip,
    divide_no_nan,
    equal,
    greater,
    greater_equal,
    isinf,
    left_shift,
    less,
    less_equal,
    logical_and,
    logical_or,
    logical_xor,
    nan_to_num,
    not_equal,
    right_shift,
    where,
)
from fastnn.ops.control_flow import (
    associative_scan,
    cond,
    custom_gradient,
    fori_loop,
    map,
    scan,
    switch,
    vectorize,
    vectorized_map,
    while_loop,
)
from fastnn.ops.conv import conv, depthwise_conv, separable_conv
from fastnn.ops.conv_transpose import conv_transpose
from fastnn.ops.conversion import (
    array,
    copy,
    dtype,
    ndim,
    saturate_cast,
    size,
    view,
)
from fastnn.ops.core import cast
from fastnn.ops.counting import (
    bincount,
    histogram,
    isin,
    nonzero,
    unique,
)
from fastnn.ops.creation import (
    arange,
    convert_to_numpy,
    convert_to_tensor,
    empty,
    empty_like,
    eye,
    full,
    full_like,
    geomspace,
    identity,
    is_tensor,
    linspace,
    logspace,
    multi_hot,
    one_hot,
    ones,
    ones_like,
    zeros,
    zeros_like,
)
from fastnn.ops.ctc import ctc_decode, ctc_loss
from fastnn.ops.cumulative import cumprod, cumsum
from fastnn.ops.einsum import einsum
from fastnn.ops.elementwise import (
    abs,
    absolute,
    arccos,
    arcsin,
    arctan,
    ceil,
    cos,
    cosh,
    erf,
    erfinv,
    exp,
    expm1,
    floor,
    isfinite,
    isnan,
    log,
    log1p,
    log2,
    log10,
    logical_not,
    negative,
    reciprocal,
    round,
    rsqrt,
    sign,
    sin,
    sinh,
    sqrt,
    square,
    stop_gradient,
    tan,
)
from fastnn.ops.embedding import embedding
from fastnn.ops.functions import (
    arccosh,
    arcsinh,
    arctanh,
    cbrt,
    deg2rad,
    erfc,
    exp2,
    fabs,
    isneginf,
    isposinf,
    rad2deg,
    signbit,
    sinc,
    trunc,
)
from fastnn.ops.indexing import take, take_along_axis
from fastnn.ops.joining import concatenate, meshgrid, split, stack, tril, triu, unstack
from fastnn.ops.linalg import (
    cholesky,
    cholesky_inverse,
    det,
    eigh,
    inv,
    logdet,
    lstsq,
    matrix_rank,
    pinv,
    qr,
    slogdet,
    solve,
    solve_triangular,
    svd,
)
from fastnn.ops.loss import (
    binary_crossentropy,
    categorical_crossentropy,
    sigmoid_cross_entropy,
    softmax_cross_entropy,
    sparse_categorical_crossentropy,
)
from fastnn.ops.matrices import (
    cdist,
    corrcoef,
    cross,
    diag,
    diagflat,
    diagonal,
    kron,
    trace,
    tri,
    vander,
)
from fastnn.ops.nan import (
    nanargmax,
    nanargmin,
    nancumprod,
    nancumsum,
    nanmax,
    nanmean,
    nanmin,
    nanprod,
    nanstd,
    nansum,
    nanvar,
)
from fastnn.ops.normalization import (
    group_normalization,
    layer_normalization,
    rms_normalization,
)
from fastnn.ops.order import argsort, digitize, in_top_k, searchsorted, sort, top_k
from fastnn.ops.padding import pad
from fastnn.ops.pairs import (
    allclose,
    bitwise_invert,
    bitwise_left_shift,
    bitwise_not,
    bitwise_right_shift,
    fmax,
    fmin,
    fmod,
    gcd,
    heaviside,
    hypot,
    isclose,
    lcm,
    ldexp,
    logaddexp,
    logaddexp2,
    nextafter,
)
from fastnn.ops.patches import extract_patches, fold, unfold
from fastnn.ops.pooling import average_pool, max_pool
from fastnn.ops.products import dense, dot, inner, matmul, outer, tensordot, vdot
from fastnn.ops.quantile import (
    median,
    nanmedian,
    nanpercentile,
    nanquantile,
    percentile,
    quantile,
)
from fastnn.ops.recurrent import rnn
from fastnn.ops.reduce import (
    all,
    amax,
    amin,
    any,
    argmax,
    argmin,
    average,
    count_nonzero,
    logsumexp,
    max,
    mean,
    min,
    moments,
    norm,
    normalize,
    prod,
    ptp,
    std,
    sum,
    var,
)
from fastnn.ops.scattering import (
    get_item,
    scatter,
    scatter_update,
    select,
    slice,
    slice_update,
    unravel_index,
)
from fastnn.ops.segments import (
    segment_max,
    segment_min,
    segment_prod,
    segment_sum,
)
from fastnn.ops.series import (
    bartlett,
    blackman,
    correlate,
    diff,
    extract_sequences,
    hamming,
    hanning,
    kaiser,
    psnr,
    trapezoid,
)
from fastnn.ops.shape import (
    broadcast_to,
    expand_dims,
    flip,
    moveaxis,
    ravel,
    repeat,
    reshape,
    roll,
    shape,
    squeeze,
    swapaxes,
    tile,
    transpose,
)
from fastnn.ops.stacking import (
    append,
    array_split,
    depth_to_space,
    dsplit,
    dstack,
    fliplr,
    flipud,
    hsplit,
    hstack,
    rot90,
    space_to_depth,
    vsplit,
    vstack,
)

from fastnn.ops import nn, numpy  # isort: skip (they name what is above)
