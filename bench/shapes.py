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
ELEMENTS = (10**3, 10**5, 10**6, 10**7)
ADAM = ((1, 10**6), (1, 10**7), (1000, 100))  # parameters, elements of each
SOFTMAX = (100, 1000)
NORM = (2048, 512)
GROUPS = 32
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
