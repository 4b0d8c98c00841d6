"""Recorded steps as graphs: what a replay calls, what it reads and writes, when there is none."""

import gc
import threading

import numpy as np
import pytest

import fastnn as fn
from fastnn import ops
from fastnn.backends.jit_cuda import calls, graphs, memory
from fastnn.backends.jit_cuda.graphs import Graph

from .test_training import OPTIMIZERS, X, Y, network


def cuda(values):
    return fn.tensor(values, device="cuda")


class Counts:
    def __init__(self):
        self.calls = self.graphs = self.captures = 0


@pytest.fixture
def counts(monkeypatch):
    """How often primitives were called, graphs were launched and steps were captured."""
    found = Counts()
    known = dict(calls.functions())

    def counted(function):
        def run(*operands, **attributes):
            found.calls += 1
            return function(*operands, **attributes)

        return run

    monkeypatch.setattr(calls, "functions", lambda: {k: counted(f) for k, f in known.items()})
    launch, end = Graph.launch, Graph.end

    def launched(self, *copies):
        found.graphs += 1
        launch(self, *copies)

    def ended(self):
        found.captures += 1
        end(self)

    monkeypatch.setattr(Graph, "launch", launched)
    monkeypatch.setattr(Graph, "end", ended)
    return found


def run_until_captured(step, *arguments):
    """Eagerly, twice recorded, launched one by one, captured: the results."""
    return [step(*arguments) for _ in range(5)]


def training(optimizer, device, capture=lambda function: function):
    with fn.device(device):
        model, loss_of = network(), fn.losses.SparseCategoricalCrossentropy(from_logits=True)

        @capture
        def step(x, y):
            loss = loss_of(y, model(x))
            weights = model.trainable_variables
            optimizer.apply(fn.autograd.gradients(loss, weights), weights)
            return loss.detach()

        x, y = fn.tensor(X), fn.tensor(Y)
        return [step(x, y).item() for _ in range(8)], model.get_weights()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_by_graph_is_the_references(name, counts):
    with fn.backends.use_backend("reference"):
        expected, weights = training(OPTIMIZERS[name](), "cpu")
    got, trained = training(OPTIMIZERS[name](), "cuda", fn.capture)
    assert (counts.captures, counts.graphs) == (1, 3)  # the first recording is not like the others
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-5)
    for a, b in zip(trained, weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-5)
    assert (got, [w.tolist() for w in trained]) == _by_list(OPTIMIZERS[name]())


def _by_list(optimizer):
    """The same steps launched one by one: eagerly."""
    losses, weights = training(optimizer, "cuda")
    return losses, [w.tolist() for w in weights]


def test_a_replay_is_one_call(counts):
    with fn.device("cuda"):
        w = fn.Variable(np.ones((3, 2), "f4"))

    @fn.capture
    def step(x):
        w.assign_sub(0.125 * ops.tanh(x @ w) * 2.0)

    x = cuda(np.ones((3, 3), "f4"))
    run_until_captured(step, x)
    before, graphs = counts.calls, counts.graphs
    for _ in range(3):
        step(x)
    assert (counts.calls - before, counts.graphs - graphs) == (0, 3)
    expected = np.ones((3, 2))
    for _ in range(8):
        expected -= 0.25 * np.tanh(np.ones((3, 3)) @ expected)
    np.testing.assert_allclose(w.numpy(), expected, rtol=1e-6)


def test_fit_runs_graphs(counts):
    def run():
        fn.utils.set_random_seed(3)
        model = network()
        model.compile("adam", fn.losses.SparseCategoricalCrossentropy(from_logits=True))
        return model.fit(X, Y, batch_size=2, epochs=3, verbose=0).history["loss"]

    expected = run()
    with fn.device("cuda"):
        got = run()
    np.testing.assert_allclose(got, expected, atol=1e-5)
    assert counts.captures == 1  # the data set stays where it is
    assert counts.graphs == 12 - 5


def test_arguments_from_elsewhere_and_results_of_their_own(counts):
    step = fn.capture(lambda x, y: (x * 2.0 + y, ops.sum(x)))
    kept, results, expected = [], [], []
    y = cuda(np.float32([1, 2, 3]))
    for i in range(8):
        x = np.float32([i, 1, -i])
        kept.append(cuda(x))  # every one lies elsewhere
        results.append(step(kept[-1], y))
        expected.append((x * 2 + [1, 2, 3], x.sum()))
    for (a, b), (c, d) in zip(results, expected, strict=True):
        np.testing.assert_array_equal(a.numpy(), c)
        assert b.item() == d
    assert (counts.captures, counts.graphs) == (1, 4)
    for i in range(3):  # y, too, comes from elsewhere now: captured once more
        got, _ = step(kept[i], cuda(np.float32([i, i, i])))
        np.testing.assert_array_equal(got.numpy(), expected[i][0] - [1, 2, 3] + i)
    assert counts.captures == 2


def test_an_argument_is_returned_and_a_result_twice():
    @fn.capture
    def step(x):
        y = x + 1.0
        return x, y, y.reshape(2, 1), y[1:]

    for i in range(7):
        x, y, column, last = step(cuda(np.float32([i, 2])))
        assert (x.tolist(), y.tolist()) == ([i, 2], [i + 1, 3])
        assert (column.tolist(), last.tolist()) == ([[i + 1], [3]], [3])


def test_numbers_of_the_host_are_read_at_every_run(counts):
    rate = fn.Variable(0.5)  # on the host
    with fn.device("cuda"):
        w = fn.Variable(np.zeros(2, "f4"))

    @fn.capture
    def step(factor):
        w.assign_add((w * 0.0 + 1.0) * rate * factor)

    expected = 0.0
    for i in range(9):
        rate.assign(0.5 + i)
        step(float(2 * i))
        expected += (0.5 + i) * 2 * i
        assert w.tolist() == [expected, expected], i
    assert (counts.captures, counts.graphs) == (1, 5)


def scratchy():
    """A step whose kernels need scratch memory, its Variable and its gradient."""
    with fn.device("cuda"):
        w, optimizer = fn.Variable(np.zeros(3, "f4")), fn.optimizers.SGD(0.5, clipnorm=1.0)
        optimizer.build([w])
    return fn.capture(lambda gradient: optimizer.apply([gradient], [w])), w


def test_scratch_memory_stays_the_graphs(counts):
    step, w = scratchy()
    gradient = cuda(np.float32([3, 0, 4]))
    run_until_captured(step, gradient)
    gc.collect()
    sizes = {size: len(pieces) for size, pieces in memory.pool._free.items()}
    others = [
        cuda(np.full(size // 4, np.nan, "f4")) for size in sizes for _ in range(sizes[size] + 2)
    ]
    fn.release_memory()
    for _ in range(3):
        step(gradient)
    np.testing.assert_allclose(w.numpy(), [-0.3 * 8, 0, -0.4 * 8], rtol=1e-5)
    assert all(np.isnan(other.numpy()).all() for other in others)
    assert counts.graphs == 4


def test_a_plan_that_goes_gives_its_memory_back(counts):
    gradient, in_use = cuda(np.ones(3, "f4")), []
    for _ in range(2):  # the first one fills caches
        step, w = scratchy()
        run_until_captured(step, gradient)
        held = memory.pool.in_use
        del step, w
        gc.collect()
        in_use.append(memory.pool.in_use)
    assert counts.graphs == 2
    assert in_use[1] == in_use[0] < held


def test_errors_of_kernels_come_with_the_next_read(counts):
    table = cuda(np.ones((3, 2), "f4"))
    step = fn.capture(lambda ids: ops.take(table, ids, 0) * 2.0)
    good, bad = cuda(np.array([0, 2])), cuda(np.array([0, 5]))
    run_until_captured(step, good)
    with pytest.raises(IndexError) as eager:
        ops.take(table, bad, 0).numpy()
    for _ in range(2):
        y = step(bad)
        with pytest.raises(IndexError) as replayed:
            y.numpy()
        assert str(replayed.value) == str(eager.value)
    assert step(good).numpy().shape == (2, 2)
    assert counts.graphs == 4


def test_what_falls_back_to_the_host_is_launched_one_by_one(counts, monkeypatch):
    known = {k: f for k, f in calls.functions().items() if k != "arg_reduce"}
    monkeypatch.setattr(calls, "functions", lambda: known)
    monkeypatch.setattr(fn.config, "allow_host_fallback", True)
    step = fn.capture(lambda x: ops.argmax(x * 2.0))
    assert [step(cuda([0.0, i - 4.0])).item() for i in range(8)] == [0] * 5 + [1] * 3
    assert (counts.captures, counts.graphs) == (0, 0)
    assert "replays" in step.explain()


def test_a_call_that_fails_while_it_is_captured(counts, monkeypatch):
    known = calls.functions()

    def fragile(*operands, **attributes):
        if memory.capturing():
            raise RuntimeError("not now")
        known["unary"](*operands, **attributes)

    monkeypatch.setattr(calls, "functions", lambda: {**known, "unary": fragile})
    step = fn.capture(lambda x: ops.exp(x + 1.0) * 2.0)
    for i in range(8):
        np.testing.assert_allclose(step(cuda([0.5 * i])).numpy(), [2 * np.exp(0.5 * i + 1)], 1e-6)
    assert (counts.captures, counts.graphs) == (0, 0)
    assert memory.capturing() is None
    other = fn.capture(lambda x: x * 3.0)
    run_until_captured(other, cuda([1.0]))
    assert counts.graphs == 1


def test_an_interruption_is_not_swallowed_and_the_capture_made_up_for(counts, monkeypatch):
    known, interruptions = calls.functions(), [KeyboardInterrupt]

    def interrupted(*operands, **attributes):
        if memory.capturing() and interruptions:
            raise interruptions.pop()
        known["unary"](*operands, **attributes)

    monkeypatch.setattr(calls, "functions", lambda: {**known, "unary": interrupted})
    step, x = fn.capture(lambda x: ops.exp(x) * 2.0), cuda([0.0])
    for _ in range(4):
        step(x)
    gc.collect()
    in_use = memory.pool.in_use
    with pytest.raises(KeyboardInterrupt):
        step(x)
    gc.collect()
    assert memory.pool.in_use == in_use
    assert step(x).tolist() == [2.0]
    assert (counts.captures, counts.graphs) == (1, 1)


@pytest.mark.parametrize("method", ["__init__", "end"])
def test_a_device_that_cannot_capture(method, monkeypatch):
    def refuse(self):
        if method == "end":
            self.cancel()
        raise RuntimeError("cuStreamEndCapture results in CUDA_ERROR_STREAM_CAPTURE_INVALIDATED")

    graph = type("Refusing", (Graph,), {method: refuse, "__del__": lambda self: None})
    monkeypatch.setattr(Graph, method, getattr(graph, method))
    monkeypatch.setattr(Graph, "__del__", lambda self: None)
    step = fn.capture(lambda x: x * 2.0)
    assert [step(cuda([1.0 * i])).item() for i in range(8)] == [2.0 * i for i in range(8)]


def test_no_memory_while_it_is_captured(counts, monkeypatch):
    pool, ask = memory.pool, memory.pool._ask
    asked, cleared = [], []

    def refuse(size):
        if not memory.capturing():
            return ask(size)
        asked.append(size)
        raise MemoryError

    def clear():
        cleared.append(memory.capturing())
        type(pool).clear(pool)

    step = fn.capture(lambda x: ops.exp(x) * 2.0)
    x = cuda(np.zeros(1000, "f4"))
    for _ in range(4):
        step(x)
    fn.release_memory()  # so that more must be asked for
    monkeypatch.setattr(pool, "_ask", refuse)
    monkeypatch.setattr(pool, "clear", clear)  # waits for the stream, which nobody may now
    assert [step(x).tolist() for _ in range(2)] == [[2.0] * 1000] * 2
    assert len(asked) == 1
    assert not any(cleared)
    assert (counts.captures, counts.graphs) == (0, 0)


def test_nothing_goes_by_itself_while_it_is_captured():
    for end in (Graph.cancel, Graph.end):
        graph = Graph()
        collects = gc.isenabled()
        end(graph)
        assert (collects, gc.isenabled()) == (False, True)


def test_an_interruption_at_the_beginning_of_a_capture(monkeypatch):
    real = graphs.capture_into

    def interrupted(graph):
        real(graph)
        if graph:
            raise KeyboardInterrupt

    ended, end = [], graphs.Capture.end
    monkeypatch.setattr(
        graphs.Capture, "end", lambda self, wanted: ended.append(wanted) or end(self, wanted)
    )
    monkeypatch.setattr(graphs, "capture_into", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Graph()
    assert ended == [False]  # its stream captures no more
    assert memory.capturing() is None
    assert gc.isenabled()
    monkeypatch.undo()
    Graph().cancel()


def test_the_device_is_not_waited_for_while_a_thread_captures(monkeypatch):
    waited = threading.Event()
    monkeypatch.setattr(calls.cuda, "synchronize", waited.set)
    graph = Graph()
    thread = threading.Thread(target=calls.taken_back)
    thread.start()
    early = waited.wait(0.1)
    graph.cancel()
    thread.join()
    assert (early, waited.is_set()) == (False, True)


def test_threads_capture_their_own(counts):
    found = []

    def work(k):
        step = fn.capture(lambda x: ops.sum(x * float(k + 1)))
        found.append([step(cuda(np.full(3, i, "f4"))).item() for i in range(7)])

    threads = [threading.Thread(target=work, args=(k,)) for k in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [[3.0 * i * (k + 1) for i in range(7)] for k in range(3)]
    assert (counts.captures, counts.graphs) == (3, 9)


def test_verified_and_profiled_steps_are_not_the_graph(counts):
    with fn.device("cuda"):
        w = fn.Variable(np.ones(2, "f4"))

    @fn.capture
    def step(x):
        w.assign_add(x)
        return w.detach() * 2.0

    x = cuda(np.ones(2, "f4"))
    run_until_captured(step, x)
    before = w.tolist()
    assert "replays 4 calls" in step.explain()
    assert w.tolist() == before
    assert step(x).tolist() == [2 * (before[0] + 1)] * 2


def stepped_amid(monkeypatch, make_handler):
    """A Variable after a step of its own in which a handler of a signal runs, as it may between two
    lines of Python."""
    with fn.device("cuda"):
        w = fn.Variable(np.zeros(2, "f4"))
    step, x = fn.capture(lambda x: w.assign_add(x)), cuda(np.ones(2, "f4"))
    run_until_captured(step, x)
    launch, handlers = Graph.launch, [make_handler(step, x)]

    def interrupted(self, *copies):
        if handlers:
            handlers.pop()()
        launch(self, *copies)

    monkeypatch.setattr(Graph, "launch", interrupted)
    thread = threading.Thread(target=step, args=(x,), daemon=True)
    thread.start()
    thread.join(60)
    assert not thread.is_alive()
    return w.tolist()


def test_a_step_is_called_while_its_thread_runs_it(monkeypatch):
    assert stepped_amid(monkeypatch, lambda step, x: lambda: step(x)) == [7.0, 7.0]


def test_a_step_is_not_timed_while_its_thread_runs_it(monkeypatch):
    def handler_of(step, x):
        def explain():
            with pytest.raises(RuntimeError, match="explain: this thread is amid a replay"):
                step.explain()

        return explain

    assert stepped_amid(monkeypatch, handler_of) == [6.0, 6.0]
