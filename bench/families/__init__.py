"""The rows of the benchmarks by family: one file each, `rows()` gives what it measures."""

FAMILIES = {
    "gemm": "products of matrices",
    "convolution": "convolutions and their gradients",
    "recurrent": "recurrent layers and their gradients",
    "attention": "attention and its gradients",
    "pooling": "pooling and its gradients",
    "elementwise": "element-wise operations",
    "normalization": "softmax and normalizations, forward and backward",
    "ctc": "connectionist temporal classification",
    "reductions": "reductions, gathering, random numbers",
    "movement": "arrays joined, padded, cut, turned, picked from",
    "order": "running sums, sorting, moments",
    "optimizers": "optimizer steps",
    "embedding": "tables of which few rows are read",
    "text": "words: split, counted, to numbers",
    "eager": "small eager calls",
    "steps": "training steps",
    "language": "training steps of recurrent networks on sequences of unequal length",
    "backends": "primitives in C++, in Numba and in NumPy (the reference)",
    "startup": "imports in fresh processes",
}
