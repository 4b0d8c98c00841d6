"""Adam, over few large and many small parameters, beside the same in NumPy."""

import numpy as np
import pytest

import fastnn as fn

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("engine", ["fastnn", "numpy"])
@pytest.mark.parametrize("count, size", [(1, 1_000_000), (1, 10_000_000), (1000, 100)])
def test_adam(count, size, engine, benchmark):
    benchmark.group = f"Adam, {count} x {size}"
    weights = [RANDOM.standard_normal(size, dtype=np.float32) for _ in range(count)]
    gradients = [RANDOM.standard_normal(size, dtype=np.float32) for _ in range(count)]
    variables = [fn.Variable(w) for w in weights]
    tensors = [fn.tensor(g) for g in gradients]
    optimizer = fn.optimizers.Adam()
    w = [part.copy() for part in weights]
    m, v = ([np.zeros_like(part) for part in weights] for _ in range(2))
    step = 0

    def plain():
        nonlocal step
        step += 1
        rate = np.float32(0.001 * np.sqrt(1 - 0.999**step) / (1 - 0.9**step))
        for i, g in enumerate(gradients):
            m[i] += (g - m[i]) * np.float32(0.1)
            v[i] += (g * g - v[i]) * np.float32(0.001)
            w[i] -= rate * m[i] / (np.sqrt(v[i]) + np.float32(1e-7))

    plain()
    optimizer.apply(tensors, variables)
    np.testing.assert_allclose(variables[0].numpy(), w[0], rtol=1e-5, atol=1e-6)
    benchmark((lambda: optimizer.apply(tensors, variables)) if engine == "fastnn" else plain)
