"""What recorded steps depend on beside their arguments: containers in attributes, the training
flag of the layers around them, functions that give the learning rate; and how they are pickled."""

import copy
import pickle

import numpy as np
import pytest

import fastnn as fn
from fastnn import config
from fastnn.utils.tracking import TrackedDict, TrackedList, TrackedSet, Tracker

X = np.random.default_rng(0).standard_normal((40, 4)).astype(np.float32)
Y = np.random.default_rng(1).integers(0, 3, 40)

CHANGES = {
    list: {
        "append": lambda c: c.append(4),
        "insert": lambda c: c.insert(0, 4),
        "extend": lambda c: c.extend([4, 5]),
        "__iadd__": lambda c: c.__iadd__([4]),
        "__imul__": lambda c: c.__imul__(2),
        "__setitem__": lambda c: c.__setitem__(0, 9),
        "__delitem__": lambda c: c.__delitem__(slice(1)),
        "pop": lambda c: c.pop(),
        "remove": lambda c: c.remove(1),
        "clear": lambda c: c.clear(),
        "sort": lambda c: c.sort(key=lambda x: -x),
        "reverse": lambda c: c.reverse(),
    },
    dict: {
        "__setitem__": lambda c: c.__setitem__("d", 4),
        "__delitem__": lambda c: c.__delitem__("a"),
        "__ior__": lambda c: c.__ior__({"d": 4}),
        "update": lambda c: c.update(d=4),
        "setdefault": lambda c: c.setdefault("d", 4),
        "pop": lambda c: c.pop("a"),
        "popitem": lambda c: c.popitem(),
        "clear": lambda c: c.clear(),
    },
    set: {
        "add": lambda c: c.add(4),
        "update": lambda c: c.update([4]),
        "remove": lambda c: c.remove(1),
        "discard": lambda c: c.discard(1),
        "pop": lambda c: c.pop(),
        "clear": lambda c: c.clear(),
        "__ior__": lambda c: c.__ior__({4}),
        "__iand__": lambda c: c.__iand__({1, 2}),
        "__isub__": lambda c: c.__isub__({1}),
        "__ixor__": lambda c: c.__ixor__({1, 4}),
        "intersection_update": lambda c: c.intersection_update({1}),
        "difference_update": lambda c: c.difference_update({1}),
        "symmetric_difference_update": lambda c: c.symmetric_difference_update({1, 7}),
    },
}
VALUES = {list: [1, 2, 3], dict: {"a": 1, "b": 2, "c": 3}, set: {1, 2, 3}}
TRACKED = {list: TrackedList, dict: TrackedDict, set: TrackedSet}
# What the types of Python have and what changes nothing.
READING = {
    list: "copy count index",
    dict: "copy fromkeys get items keys values",
    set: "copy difference intersection isdisjoint issubset issuperset symmetric_difference union",
}


@pytest.mark.parametrize("kind", [list, dict, set])
def test_every_change_of_a_container_is_known_here(kind):
    plain = {name for name in vars(kind) if not name.startswith("_")} - set(READING[kind].split())
    in_place = {name for name in vars(kind) if name.startswith("__i") and name.endswith("__")}
    in_place -= {"__init__", "__iter__", "__init_subclass__"}
    items = {name for name in ("__setitem__", "__delitem__") if name in vars(kind)}
    assert plain | in_place | items == set(CHANGES[kind])
    assert set(CHANGES[kind]) <= set(vars(TRACKED[kind]))


@pytest.mark.parametrize(
    ("kind", "change"), [(k, c) for k in CHANGES for c in CHANGES[k]], ids=lambda x: str(x)
)
def test_changes_do_what_pythons_do_and_are_told(kind, change):
    plain, tracked = kind(VALUES[kind]), TRACKED[kind](VALUES[kind], Tracker({}))
    before = config.version
    expected, found = CHANGES[kind][change](plain), CHANGES[kind][change](tracked)
    assert config.version > before
    assert tracked == plain and isinstance(tracked, TRACKED[kind])
    if change.startswith("__i"):
        assert found is tracked
    else:
        assert found == expected


class Listed(fn.losses.Loss):
    def __init__(self):
        super().__init__()
        self.factors = [1.0, 2.0]
        self.options = {"inner": {"scale": [1.0]}}

    def call(self, y_true, y_pred):
        scale = self.factors[-1] * self.options["inner"]["scale"][0]
        return fn.ops.mean(fn.ops.square(y_pred), axis=-1) * scale


@pytest.mark.parametrize(
    "copied", [lambda x: x, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_a_list_in_a_loss_is_a_setting(copied):
    loss = copied(Listed())
    step = fn.capture(lambda x: loss(x, x))
    for _ in range(5):
        first = step(X).item()
    assert "replays" in step.explain()
    for change, factor in (
        (lambda: loss.factors.reverse(), 0.5),
        (lambda: loss.options["inner"]["scale"].__setitem__(0, 10.0), 5.0),
    ):
        change()
        for _ in range(5):
            assert step(X).item() == pytest.approx(first * factor, rel=1e-6)


def test_a_list_in_an_optimizer_and_a_metric_is_a_setting():
    class Paced(fn.optimizers.Optimizer):
        def __init__(self):
            super().__init__(1.0)
            self.pace = [1.0]

        def update_step(self, gradient, variable, learning_rate):
            variable.assign_sub(gradient * self.pace[0])

    class Scaled(fn.metrics.Mean):
        def __init__(self):
            super().__init__()
            self.scales = {"a": 1.0}

    before = config.version
    Paced().pace.sort()
    Scaled().scales |= {"a": 2.0}
    assert config.version >= before + 2
    assert isinstance(Paced().pace, TrackedList) and isinstance(Scaled().scales, TrackedDict)


def test_a_captured_helper_sees_whether_the_layer_trains():
    class Halving(fn.layers.Layer):
        def call(self, x, training=None):
            return x * 0.5 if training else x

    half = Halving()
    helper = fn.capture(lambda x: half(x))

    class Outer(fn.layers.Layer):
        def call(self, x):
            return helper(x)

    class Home(fn.layers.Layer):
        def __init__(self):
            super().__init__()
            self.inner = Outer()

        def call(self, x):
            return self.inner(x)

    home = Home()
    for _ in range(6):
        for training, factor in ((True, 0.5), (False, 1.0)):
            found = home(fn.tensor(X), training=training).numpy()
            np.testing.assert_array_equal(found, X * np.float32(factor))
    assert helper.explain().count("replays") == 2


# ---- learning rates from Python functions --------------------------------------------------------


def trained(eager, rate):
    fn.utils.set_random_seed(0)
    model = fn.Sequential([fn.Input((4,)), fn.layers.Dense(3, activation="softmax")])
    calls = []

    def function():
        calls.append(1)
        return rate(len(calls))

    model.compile(
        fn.optimizers.Adam(function), "sparse_categorical_crossentropy", run_eagerly=eager
    )
    model.fit(X, Y, batch_size=8, epochs=4, verbose=0)
    return model, calls


@pytest.mark.parametrize(
    "rate", [lambda n: 0.1 / n, lambda n: fn.tensor(0.1 / n), lambda n: np.float32(0.1 / n)]
)
def test_a_function_gives_the_rate_of_every_replay(rate):
    recorded, eager = trained(False, rate), trained(True, rate)
    assert len(recorded[1]) == len(eager[1]) == 20
    for a, b in zip(recorded[0].get_weights(), eager[0].get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    steps = [step for _, step in recorded[0]._records.steps.values()]
    assert any(" replays " in step.explain() for step in steps)


def test_a_function_gives_the_rate_in_a_captured_step():
    rates = iter([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0])
    optimizer = fn.optimizers.SGD(lambda: next(rates))
    w = fn.Variable(np.zeros(2, np.float32))

    @fn.capture
    def step(g):
        optimizer.apply([g], [w])

    for i in range(1, 8):
        step(np.ones(2, np.float32))
        assert w.numpy().tolist() == [-i * (i + 1) / 2] * 2
    assert "replays" in step.explain()


def test_a_function_that_raises_leaves_the_step_undone():
    failing = [False]

    def rate():
        if failing[0]:
            raise RuntimeError("no rate today")
        return 1.0

    optimizer = fn.optimizers.SGD(rate)
    w = fn.Variable(np.zeros(2, np.float32))
    step = fn.capture(lambda g: optimizer.apply([g], [w]))
    for _ in range(5):
        step(np.ones(2, np.float32))
    failing[0] = True
    with pytest.raises(RuntimeError, match="no rate today"):
        step(np.ones(2, np.float32))
    assert w.numpy().tolist() == [-5.0, -5.0]
    failing[0] = False
    step(np.ones(2, np.float32))
    assert w.numpy().tolist() == [-6.0, -6.0]


# ---- pickles and what cannot be captured ---------------------------------------------------------


@fn.capture
def doubled(x):
    return x * 2.0


def tripled(x):
    return x * 3.0


class Owner:
    @fn.capture
    def method(self, x):
        return x * 4.0


def test_captured_functions_are_pickled_as_functions_are():
    for function in (doubled, Owner.method):
        assert pickle.loads(pickle.dumps(function)) is function
    twin = pickle.loads(pickle.dumps(fn.capture(tripled)))
    assert isinstance(twin, type(doubled))
    assert twin(X).numpy()[0, 0] == X[0, 0] * 3
    assert copy.deepcopy(fn.capture(tripled))(X).numpy()[0, 0] == X[0, 0] * 3


@pytest.mark.parametrize("value", [5, None, "step", [doubled]])
def test_what_cannot_be_called_fails_at_once(value):
    with pytest.raises(TypeError, match="capture: expected a function, got"):
        fn.capture(value)
