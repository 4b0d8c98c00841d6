"""Products of matrices that layers have, for tests: (m, n, k, stored form)."""

# Those that are measured (bench/shapes.py), with fewer rows or columns where there are thousands,
# and more, so that every way through a product is taken.
SHAPES = [
    *((n, n, n, "NN") for n in (8, 16, 32, 64, 128, 256, 512, 1024)),
    *((100, 500, 784, form) for form in ("NN", "TN", "NT", "TT")),
    *((784, 500, 100, "TN"), (100, 784, 500, "NT"), (100, 500, 500, "NN")),
    *((100, 10, 500, "NN"), (500, 10, 100, "TN"), (1, 500, 784, "NN"), (1, 500, 784, "NT")),
    *((3072, 1, 1024, "NN"), (3000, 1, 700, "TN"), (32, 2048, 512, "NN"), (3025, 96, 363, "NN")),
    *((784, 32, 9, "NN"), (1254, 64, 576, "NN"), (35, 1457, 2560, "NN"), (524, 700, 2048, "NN")),
    *((300, 2048, 2048, "NN"), (512, 1500, 2816, "NN"), (35, 700, 2048, "NN")),
    *((2560, 64, 2560, "NN"), (2560, 64, 2560, "TN"), (1760, 128, 1760, "NT")),
    *((768, 4, 2560, "NN"), (512, 16, 512, "NN"), (128, 4096, 1024, "NN")),
    *((1024, 1024, 128, "TN"), (33, 17, 1000, "NN"), (257, 129, 300, "TT"), (300, 20, 100, "NT")),
    *((9, 130, 40, "TT"), (17, 19, 5000, "NN"), (8, 8, 9000, "NN")),
    *((150, 170, 300, "NN"), (130, 1100, 70, "NN"), (300, 100, 150, "NN")),
    # Columns of A that share the sets of a cache, more tiles of them than are packed together.
    (256, 170, 300, "TN"),
]
