"""The least that must work everywhere: `smoke.py TARGET` checks which kernels run, and how well."""

from __future__ import annotations

import sys

import numpy as np

from fastnn import _core, runtime

expected = sys.argv[1]
chosen = _core.targets()["chosen"]
assert chosen == expected, f"{chosen} runs, expected {expected}"
runtime.show_config()

rng = np.random.default_rng(0)
a, b = rng.standard_normal((2, 70, 70), dtype="float32")
c, _ = _core.gemm(_core.from_numpy(a), _core.from_numpy(b), None, None, None)
np.testing.assert_allclose(c.numpy(), a.astype("float64") @ b, rtol=0, atol=1e-5)
y = _core.unary(_core.from_numpy(a), "exp")
np.testing.assert_allclose(y.numpy(), np.exp(a.astype("float64")), rtol=3e-7)
print("smoke test passed on", chosen)
