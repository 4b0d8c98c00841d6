"""Rows of the benchmark on a GPU, tiny ones, on a GPU or in Numba's simulator; and the table."""

import pytest

from bench import gpu
from bench.families import convolution, gemm, recurrent, steps
from bench.networks import Conv, Dense, Flatten, MaxPool, Network, dense
from bench.row import ALL, FORWARD, Row, arrays, check
from bench.windows import Windows
from fastnn.backends.devices import check_device

CNN = Network("cnn", (6, 6, 1), (Conv(2, "relu"), MaxPool(), Flatten(), Dense(2)), 2, 5)
CONV = convolution.Conv(Windows(1, 4, 4, 2, 3, 3, 1, 0), 2)
LSTM = recurrent.Layer("lstm", 2, 2, 2, 2, 1)


def rows():
    yield gemm.product_row(4, 4, 4, "NN", "float32")
    for kind in (FORWARD, ALL):
        engines = {"fastnn": lambda *data, kind=kind: convolution.ours(CONV, kind, *data)}
        yield Row(f"conv: {kind}", CONV.data, engines, tolerance=convolution.TOLERANCE)
        engines = {"fastnn": lambda *data, kind=kind: recurrent.ours(LSTM, kind, *data)}
        yield Row(f"lstm: {kind}", LSTM.data, engines, tolerance=recurrent.TOLERANCE)
    for network in (dense("mlp", (4, 3, 2), 2, 5), CNN):
        engines = {"fastnn": lambda *data, network=network: steps.ours(network, *data)}
        yield Row(network.title, network.data, engines, tolerance=0.01)


@pytest.mark.parametrize("row", list(rows()), ids=lambda row: row.name)
def test_row(row):
    """The GPU's result is the CPU's."""
    try:
        check_device("test_row", "cuda")
    except (ImportError, RuntimeError) as error:
        pytest.skip(str(error))
    operands = row.data()
    call, result = gpu.ours(row.engines["fastnn"], *operands)
    engine = row.engines["fastnn"](*operands)
    check(row.name, result(), arrays((engine.result or engine.call)()), row.tolerance)
    call()


def test_rows_are_those_of_the_files():
    names = [row.name for row in gpu.rows()]
    assert len(names) == len(set(names))
    for part in ("8192x8192x8192 NN", "lstm 32x80x128 to 128: forward", "mlp: ", "cnn: "):
        assert any(name.startswith(part) for name in names)
    assert all({"fastnn", "PyTorch"} <= set(row.engines) for row in gpu.rows())


def test_table():
    row = gemm.product_row(1000, 1000, 1000, "NN", "float32")
    times = {"fastnn": 2e-3, "PyTorch": 4e-3, "PyTorch, channels last": 1e-3}
    cells = gpu.line(row, times)
    assert cells == ["1000x1000x1000 NN", "2.00 ms", "1.00 ms", "0.50", "1.00"]
    text = gpu.markdown("a GPU.", [cells])
    assert "\na GPU.\n" in text
    assert text.endswith("| 1000x1000x1000 NN | 2.00 ms | 1.00 ms | 0.50 | 1.00 |\n")
