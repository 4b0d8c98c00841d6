"""Ten steps with drawn settings agree with Keras."""

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from optimizer_cases import drawn, keras_case

import fastnn as fn
from fastnn import optimizers

RATE = st.floats(1e-4, 0.1)
FRACTION = st.floats(0.1, 0.99)
SMALL = st.floats(1e-7, 1e-2)
YES = st.booleans()
MOMENTS = {"beta_1": FRACTION, "beta_2": FRACTION, "epsilon": SMALL}
SETTINGS = {
    "SGD": {"momentum": FRACTION, "nesterov": YES},
    "RMSprop": {"rho": FRACTION, "momentum": FRACTION, "epsilon": SMALL, "centered": YES},
    "Adagrad": {"initial_accumulator_value": st.floats(0, 1), "epsilon": SMALL},
    "Adadelta": {"rho": FRACTION, "epsilon": SMALL},
    "Adafactor": {
        "beta_2_decay": st.floats(-1, -0.3),
        "epsilon_1": st.floats(1e-8, 1e-2),
        "epsilon_2": SMALL,
        "clip_threshold": st.floats(0.3, 3),
        "relative_step": YES,
    },
    "Adam": {**MOMENTS, "amsgrad": YES},
    "AdamW": {**MOMENTS, "amsgrad": YES},
    "Adamax": MOMENTS,
    "Nadam": MOMENTS,
    "Lamb": MOMENTS,
    "ScheduleFreeAdamW": {**MOMENTS, "warmup_steps": st.integers(0, 8)},
    "Ftrl": {
        "learning_rate_power": st.floats(-1, 0),
        "initial_accumulator_value": st.floats(0.1, 1),
        "l1_regularization_strength": st.floats(0, 0.1),
        "l2_regularization_strength": st.floats(0, 0.1),
        "l2_shrinkage_regularization_strength": st.floats(0, 0.1),
        "beta": st.floats(0, 0.1),
    },
    "Lion": {"beta_1": FRACTION, "beta_2": FRACTION},
    "Muon": {
        "adam_beta_1": FRACTION,
        "adam_beta_2": FRACTION,
        "adam_weight_decay": st.floats(0, 0.1),
        "adam_lr_ratio": st.floats(0.1, 1),
        "momentum": FRACTION,
        "nesterov": YES,
        "ns_steps": st.integers(1, 5),
        "exclude_layers": st.sampled_from([[], ["w0"]]),
    },
}
COMMON = st.fixed_dictionaries(
    {
        "weight_decay": st.floats(0.001, 0.5),
        "gradient_accumulation_steps": st.sampled_from([None, 2, 3]),
        "loss_scale_factor": st.sampled_from([None, 4.0]),
    },
).flatmap(
    lambda fixed: st.sampled_from(
        [
            {**fixed, **more}
            for more in (
                {},
                {"clipnorm": 0.7},
                {"clipvalue": 0.4},
                {"global_clipnorm": 1.5},
                {"use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 3},
            )
        ]
    )
)


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Keras's own making
@pytest.mark.parametrize("name", [keras_case(name) for name in SETTINGS])
@given(data=st.data())
@settings(
    max_examples=3,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],  # Keras compiles each example anew: too slow to make one smaller
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_ten_steps_with_drawn_settings_agree_with_keras(name, data):
    keras = pytest.importorskip("keras")
    rate = data.draw(RATE)
    options = data.draw(st.fixed_dictionaries(SETTINGS[name])) | data.draw(COMMON)
    ours = getattr(optimizers, name)(rate, **options)
    theirs = getattr(keras.optimizers, name)(rate, **options)
    for optimizer in (ours, theirs):
        optimizer.exclude_from_weight_decay(var_names=["w1"])
    mine = [fn.Variable(w, name=f"w{i}") for i, w in enumerate(drawn(0, np.float32))]
    variables = [keras.Variable(w, name=f"w{i}") for i, w in enumerate(drawn(0, np.float32))]
    for step in range(10):
        gradients = drawn(100 + step, np.float32)
        ours.apply([fn.tensor(g) for g in gradients], mine)
        theirs.apply([keras.ops.convert_to_tensor(g) for g in gradients], variables)
    for a, b in zip(mine, variables, strict=True):
        expected = keras.ops.convert_to_numpy(b)
        assert np.abs(a.numpy() - expected).max() <= 1e-5 * np.abs(expected).max()
