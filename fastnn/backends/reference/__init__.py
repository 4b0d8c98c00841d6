"""The reference backend: what every primitive means, in NumPy.

One file a family; one function a primitive, ``fn(*operands, **attributes) -> array or tuple``. They
are pure: nothing is written in place; new values of ``inout`` operands are returned after the
outputs. Operands are NumPy arrays (``None`` where an optional one is absent, lists where there are
any number), codes are names, axes and shapes tuples. Nothing is promoted: the dtype of the operands
is the dtype of the result. Sums may add in any order: values are promised, bits are not, except for
random numbers, whose bits are the same on every backend.

In float64 these functions are the specification that every other backend is tested against.
"""

from .attention import attention, attention_backward
from .batch_norm import batch_norm, batch_norm_backward
from .conv import conv, conv_backward_input, conv_backward_kernel
from .ctc import ctc_decode, ctc_loss
from .derivatives import unary_backward
from .elementwise import binary, select, unary
from .gather import gather, gather_nd, scatter_add, scatter_nd_add, sum_rows
from .linalg import dense_backward, gemm
from .loss import binary_cross_entropy, cross_entropy, require_no_nan
from .movement import (
    accumulate,
    arange,
    assign,
    concatenate,
    copy,
    gather_batch,
    one_hot,
    pad,
)
from .norm import row_norm, row_norm_backward
from .optimizer import lerp_list, optimizer_step, scale_list
from .order import cumulative, cumulative_prod_backward, searchsorted, sort
from .pooling import (
    average_pool,
    average_pool_backward,
    max_pool,
    max_pool_backward,
)
from .random import (
    dropout,
    dropout_backward,
    random_integers,
    random_normal,
    random_permutation,
    random_uniform,
)
from .recurrent import rnn, rnn_backward
from .reduce import arg_reduce, moments, reduce, reduce_list
from .resize import resize, resize_backward
from .softmax import softmax, softmax_backward
from .unfold import fold, unfold

FUNCTIONS = {
    function.__name__: function
    for function in (
        *(unary, unary_backward, binary, select),
        *(copy, pad, concatenate, one_hot, arange, gather_batch),
        *(assign, accumulate),
        *(gather, scatter_add, sum_rows, gather_nd, scatter_nd_add),
        *(reduce, arg_reduce, reduce_list, moments),
        *(cumulative, cumulative_prod_backward, sort, searchsorted),
        *(gemm, dense_backward),
        *(conv, conv_backward_input, conv_backward_kernel),
        *(row_norm, row_norm_backward, batch_norm, batch_norm_backward),
        *(max_pool, max_pool_backward, average_pool, average_pool_backward),
        *(resize, resize_backward),
        *(unfold, fold),
        *(rnn, rnn_backward),
        *(attention, attention_backward),
        *(softmax, softmax_backward, cross_entropy, binary_cross_entropy, require_no_nan),
        *(ctc_loss, ctc_decode),
        *(random_uniform, random_normal, random_integers, random_permutation),
        *(dropout, dropout_backward),
        *(optimizer_step, scale_list, lerp_list),
    )
}
