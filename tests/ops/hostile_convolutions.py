"""20,000 random hostile calls of convolutions: run as a program by test_conv_hostile.py.

Every call returns or raises an ordinary exception. Sizes are small or beyond what there is memory
for, which a limit on the address space makes certain. Prints how many calls returned and were
refused.
"""

import random
import resource
import sys
from pathlib import Path

import numpy as np

import fastnn as fn
from fastnn import _core, ops

CALLS = 20_000
REFUSALS = (ValueError, TypeError, OverflowError, MemoryError, IndexError)
HUGE = (2**31 - 1, 2**31, 2**40, 2**40 + 1, 2**62, 2**63 - 1, 2**63, 10**30)
ODD = (0, -1, -(2**63), 1.5, float("nan"), float("inf"), None, "same", "", True, (), [], {}, b"1")

draw = random.Random(int(sys.argv[1]))
numbers = np.random.default_rng(0)
odd = 0.1  # how often an argument is odd: less in half of the calls, or nearly all were refused


def strange(often=1.0):
    return draw.random() < odd * often


def array(shape, dtype="float32"):
    return (numbers.standard_normal(shape) * 9).astype(dtype)


def number(least=1):
    if strange():
        return draw.choice(HUGE + ODD)
    return draw.randint(least, draw.randint(1, 3))


def per_axis(rank, least=1):
    return number(least) if draw.random() < 0.3 else several(rank, least)


def several(rank, least=1):
    """As primitives take them: tuples."""
    return tuple(number(least) for _ in range(draw.randint(0, 9) if strange() else rank))


def extents(rank):
    return tuple(0 if strange() else draw.randint(1, 6) for _ in range(rank))


def dtype():
    return draw.choice(("float64", "int32", "uint8", "bool")) if strange() else "float32"


def padding(rank):
    if strange():
        return draw.choice((*ODD, "full", number(), ((1, 1),) * 4, (1, 2, 3), "causal"))
    if draw.random() < 0.6:
        return draw.choice(("valid", "same", "SAME"))
    return tuple((number(0), number(0)) for _ in range(rank))


def data_format():
    if strange():
        return draw.choice(("channels_first", "NHWC", 1))
    return draw.choice((None, "channels_last"))


def images(rank, channels):
    rank = draw.randint(0, 6) if strange() else rank
    return array((draw.choice((0, 1, 2)), *extents(rank), channels), dtype())


def kernel(rank, *channels):
    rank = draw.randint(0, 4) if strange() else rank
    window = (draw.choice((0, 7)) if strange() else draw.randint(1, 3) for _ in range(rank))
    return array((*window, *channels), dtype())


def few():
    return 0 if strange() else draw.choice((1, 2, 3, 4, 6))


def operation():
    rank, channels, filters = draw.randint(1, 3), few(), few()
    name = draw.choice(("conv", "depthwise_conv", "separable_conv", "conv_transpose"))
    arguments = {
        "strides": per_axis(rank),
        "padding": padding(rank),
        "data_format": data_format(),
        "dilation_rate": per_axis(rank),
        "activation": draw.choice(
            ("softmax", None, 3) if strange() else ("relu", "gelu", "sigmoid")
        ),
    }
    if draw.random() < 0.3:
        arguments["bias"] = array(few() if strange() else filters, dtype())
    read = few() if strange() else channels
    kernels = [kernel(rank, *((filters, read) if name == "conv_transpose" else (read, filters)))]
    if name == "separable_conv":
        window = (1,) * rank if draw.random() < 0.9 else (2,)
        kernels.append(array((*window, read * filters, few()), dtype()))
    if name == "conv_transpose":
        arguments["output_padding"] = draw.choice((None, 0, per_axis(rank, 0)))
    x = fn.tensor(images(rank, channels))
    x.requires_grad = x.dtype.startswith("float") and draw.random() < 0.5
    y = getattr(ops, name)(x, *kernels, **arguments)
    if y.requires_grad:
        y.backward(np.ones(y.shape, y.dtype))


def patches():
    name = draw.choice(("extract_patches", "unfold", "fold"))
    if name == "extract_patches":
        rank = draw.choice((2, 3))
        x = images(rank, few())
        places = (per_axis(rank), per_axis(rank), padding(rank), data_format())
        ops.extract_patches(x, per_axis(rank), *places)
    elif name == "unfold":
        x = array(extents(draw.randint(0, 6) if strange() else 4), dtype())
        ops.unfold(x, per_axis(2), per_axis(2), per_axis(2, 0), per_axis(2))
    else:
        x = array((few(), few() * few(), draw.randint(0, 9)), dtype())
        ops.fold(x, per_axis(2), per_axis(2), per_axis(2), per_axis(2, 0), per_axis(2))


def primitive():
    rank, channels, filters = draw.randint(1, 3), few(), few()
    x, w = fn.tensor(images(rank, channels)), fn.tensor(kernel(rank, channels, filters))
    groups = number() if strange(3) else 1
    places = (several(rank), several(2 * rank, 0), several(rank), groups)
    name = draw.choice(("conv", "conv_backward_input", "conv_backward_kernel", "unfold", "fold"))
    if name == "conv":
        algorithm = draw.choice(("auto", "exact", "rows", "winograd_2", "winograd_4", "none"))
        _core.conv(x, w, None, None, *places, "linear", 0.0, False, algorithm)
    elif name == "conv_backward_input":
        _core.conv_backward_input(x, w, *places, several(rank, 0))
    elif name == "conv_backward_kernel":
        _core.conv_backward_kernel(x, fn.tensor(images(rank, filters)), *places, several(rank, 0))
    elif name == "unfold":
        _core.unfold(x, several(rank), *places[:3])
    else:
        _core.fold(x, several(rank), *places[:3], several(rank))


def far_apart():
    """Few elements, whose windows reach far beyond them: sizes whose products overflow."""
    rank, channels = draw.randint(1, 3), draw.choice((1, 2, 4, 16))
    extents, places = [draw.randint(1, 4) for _ in range(rank)], ([], [], [])
    window, results = [draw.randint(1, 3) for _ in range(rank)], []
    for extent, taps in zip(extents, window):
        reach = 2 ** draw.randint(20, 39) + draw.choice((0, -1, 1))
        dilation = max(1, reach // max(1, taps - 1)) if draw.random() < 0.7 else 1
        reads, many = (taps - 1) * dilation + 1, draw.randint(1, 2)
        stride = draw.choice((reads, max(1, reach - reads), 1))
        pads = max(0, (many - 1) * stride + reads - extent)
        before = draw.choice((0, pads, pads // 2))
        for place, values in zip(places, ((stride,), (before, pads - before), (dilation,))):
            place.extend(values)
        results.append((extent + pads - reads) // stride + 1)
    groups, filters = draw.choice((1, channels)), 2 * channels
    if max(results) > 64:
        return
    x, w, dy = (
        fn.tensor(array(shape))
        for shape in (
            (1, *extents, channels),
            (*window, channels // groups, filters),
            (1, *results, filters),
        )
    )
    y, _ = _core.conv(x, w, None, None, *places, groups)
    assert np.isfinite(y.numpy()).all()
    _core.conv_backward_input(dy, w, *places, groups, extents)
    _core.conv_backward_kernel(x, dy, *places, groups, window)


def layer():
    rank, name = draw.randint(1, 3), draw.choice(("Conv", "DepthwiseConv", "SeparableConv"))
    kind = getattr(fn.layers, f"{name}{rank if name == 'Conv' else min(rank, 2)}D")
    filters = [] if name == "DepthwiseConv" else [number()]
    made = kind(
        *filters,
        draw.choice(ODD) if strange() else draw.choice((1, 2, 3)),
        per_axis(rank),
        padding(rank),
        data_format=data_format(),
        dilation_rate=per_axis(rank),
    )
    made(images(rank, few()))


def main():
    fn.set_num_threads(1)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + (1 << 30)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    counts = {"returned": 0, "refused": 0}
    kinds = (operation,) * 4 + (primitive,) * 3 + (patches,) * 2 + (layer, far_apart)
    global odd
    for _ in range(CALLS):
        odd = draw.choice((0.01, 0.2))
        try:
            draw.choice(kinds)()
            counts["returned"] += 1
        except REFUSALS as error:
            if not str(error) and not isinstance(error, MemoryError):
                raise
            counts["refused"] += 1
    print(counts["returned"], counts["refused"])


main()
