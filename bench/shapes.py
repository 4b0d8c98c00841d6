"""The sizes that are measured."""

# C[m, n] = A[m, k] B[k, n]; N or T: an operand is stored as it is, or transposed. From the problem
# tables of DeepBench, from ResNet-50 as oneDNN and libxsmm list it, from small dense networks.
GEMM = (
    (64, 64, 64, "NN"),
    (128, 128, 128, "NN"),
    (256, 256, 256, "NN"),
    (512, 512, 512, "NN"),
    (1024, 1024, 1024, "NN"),
    (2048, 2048, 2048, "NN"),
    (100, 500, 784, "NN"),
    (784, 500, 100, "TN"),
    (100, 784, 500, "NT"),
    (100, 500, 500, "NN"),
    (100, 10, 500, "NN"),
    (500, 10, 100, "TN"),
    (1, 500, 784, "NN"),
    (32, 2048, 512, "NN"),
    (3025, 96, 363, "NN"),
    (784, 32, 9, "NN"),
    (12544, 64, 576, "NN"),
    (35, 8457, 2560, "NN"),
    (5124, 700, 2048, "NN"),
    (512, 1500, 2816, "NN"),
    (2560, 64, 2560, "NN"),
    (2560, 64, 2560, "TN"),
    (1760, 128, 1760, "NT"),
    (35, 700, 2048, "NN"),
    (7680, 4, 2560, "NN"),
    (3072, 1, 1024, "NN"),
    (512, 16, 512, "NN"),
    (128, 4096, 1024, "NN"),
    (1024, 4096, 128, "TN"),
    (8, 8, 8, "NN"),
    (16, 16, 16, "NN"),
    (32, 32, 32, "NN"),
)
# Images, height, width, channels, filters, the window's height and width, stride, zeros a side.
# From DeepBench, from ResNet-50 and others as oneDNN, convnet-benchmarks and OpenCV list them, from
# small networks.
CONV = (
    (100, 28, 28, 1, 25, 3, 3, 1, 0),
    (100, 13, 13, 25, 50, 3, 3, 1, 0),
    (128, 28, 28, 1, 32, 3, 3, 1, 0),
    (128, 26, 26, 32, 64, 3, 3, 1, 0),
    (128, 12, 12, 10, 20, 5, 5, 1, 0),
    (32, 32, 32, 3, 32, 3, 3, 1, 1),
    (32, 32, 32, 16, 16, 3, 3, 1, 1),
    (32, 32, 32, 16, 32, 3, 3, 2, 1),
    (32, 32, 32, 64, 64, 3, 3, 1, 1),
    (2, 224, 224, 3, 64, 7, 7, 2, 3),
    (8, 56, 56, 64, 64, 3, 3, 1, 1),
    (1, 56, 56, 64, 64, 3, 3, 1, 1),
    (8, 56, 56, 64, 256, 1, 1, 1, 0),
    (8, 56, 56, 256, 64, 1, 1, 1, 0),
    (8, 28, 28, 128, 128, 3, 3, 1, 1),
    (8, 14, 14, 256, 256, 3, 3, 1, 1),
    (8, 14, 14, 1024, 256, 1, 1, 1, 0),
    (8, 7, 7, 512, 512, 3, 3, 1, 1),
    (16, 19, 19, 48, 192, 5, 5, 1, 2),
    (16, 12, 120, 32, 64, 3, 3, 1, 1),
    (8, 108, 108, 3, 64, 3, 3, 2, 1),
    (4, 79, 341, 32, 32, 5, 10, 2, 0),
    (16, 16, 16, 128, 128, 7, 7, 1, 0),
    (16, 13, 13, 384, 384, 3, 3, 1, 0),
)
# The same without filters: each channel has a kernel of its own.
DEPTHWISE = (
    (8, 112, 112, 32, 3, 3, 1, 1),
    (8, 14, 14, 512, 3, 3, 1, 1),
    (64, 25, 5, 64, 3, 3, 1, 1),
)
# Images, height, width, channels, window, stride, elements a side that are not there.
POOL = (
    ("max", 100, 26, 26, 25, 2, 2, 0),
    ("max", 128, 26, 26, 32, 2, 2, 0),
    ("max", 128, 24, 24, 64, 2, 2, 0),
    ("max", 16, 112, 112, 64, 3, 2, 1),
    ("max", 8, 57, 57, 192, 3, 2, 0),
    ("max", 8, 28, 28, 256, 3, 1, 1),
    ("average", 8, 35, 35, 288, 3, 1, 1),
    ("average", 1, 112, 112, 64, 3, 2, 1),
    ("global average", 16, 7, 7, 2048, 7, 1, 0),
)
# Cell, steps, batch, inputs, units, directions. From small networks, speech and translation.
RNN = (
    ("lstm", 80, 32, 128, 128, 1),
    ("lstm", 25, 16, 512, 512, 1),
    ("lstm", 50, 64, 256, 256, 1),
    ("lstm", 100, 1, 128, 128, 1),
    ("lstm", 28, 128, 28, 128, 1),
    ("lstm", 200, 32, 128, 64, 2),
    ("lstm", 150, 16, 256, 256, 1),
    ("lstm", 50, 64, 500, 500, 1),
    ("lstm", 100, 1, 64, 192, 1),
    ("gru", 80, 32, 128, 128, 1),
    ("gru", 50, 64, 256, 256, 1),
    ("gru", 25, 32, 512, 512, 1),
    ("simple", 80, 32, 128, 128, 1),
    ("simple", 28, 128, 28, 128, 1),
)
# Batch, length, heads, width, whether a query sees earlier keys alone.
ATTENTION = (
    (32, 32, 4, 32, False),
    (8, 128, 8, 64, False),
    (8, 128, 8, 64, True),
    (4, 512, 8, 64, False),
    (4, 512, 8, 64, True),
    (1, 2048, 8, 64, True),
)
ELEMENTS = (10**3, 10**5, 10**6, 10**7)
ADAM = ((1, 10**6), (1, 10**7), (1000, 100))  # parameters, elements of each
SOFTMAX = (100, 1000)
NORM = (2048, 512)
GROUPS = 32
CTC = (32, 200, 64, 30)  # batch, frames, classes, labels
SMALL = (100, 10)  # operands that are all overhead


def short(n: int) -> str:
    """A count as in tables: 1e6 for a million."""
    exponent = len(str(n)) - 1
    return f"1e{exponent}" if n == 10**exponent and n >= 1000 else str(n)


def gemm_name(m: int, n: int, k: int, form: str, dtype: str = "float32") -> str:
    """The row of a product."""
    return f"{m}x{n}x{k} {form}" + ("" if dtype == "float32" else f", {dtype}")


def elementwise_name(op: str, size: int, dtype: str = "float32") -> str:
    """The row of an element-wise operation."""
    return f"{op}, {short(size)}" + ("" if dtype == "float32" else f", {dtype}")
