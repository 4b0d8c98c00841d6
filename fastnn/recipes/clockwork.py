"""A waveform out of nothing but memory: a clockwork RNN beside an RNN and an LSTM.

Course: Hung-yi Lee, "Understanding deep learning in one day" (DSC 2016), lecture III, slide
"Helpful Techniques", which names the clockwork RNN and has no figures.

J. Koutnik, K. Greff, F. Gomez, J. Schmidhuber, "A clockwork RNN", ICML 2014, section on sequence
generation: a net that hears nothing has to give back 320 samples; its weights and its first state,
which is trained too, are all it has to remember them by. Theirs were five stretches of music, here
they are 40 ms of five spoken digits. As in the paper the periods are 1, 2, 4 .. 256, the LSTM's
forget gates begin open (bias 5), and the error is the mean square over that of the waveform.
"""

import time
from pathlib import Path

import numpy as np

import fastnn as fn
from fastnn import layers, plots
from fastnn.recipes.common import Claim, Info, Table, folder_for, is_here, save_picture

INFO = Info(
    lecture="III",
    slide="Helpful Techniques",
    question="Does a memory that ticks at several speeds keep a waveform better?",
    minutes=1,
    dataset="fsdd",
    fallback="a made-up sound",
)
SAMPLES, RATE = 320, 8000
PERIODS = tuple(2**i for i in range(9))
FORGET = 5.0  # bias of the LSTM's forget gates
EVERY = 10  # updates for a point of the curves
# Units, learning rate (the best of three), updates: an update of the clockwork takes about twenty
# times as long, as its steps are many small calls.
NETS = {
    "RNN": (20, 0.002, 20_000),
    "LSTM": (10, 0.005, 20_000),
    "clockwork RNN": (27, 0.02, 1000),
}
QUICK = 4  # times fewer updates, and only the second waveform


class FromMemory(fn.Model):
    """A recurrent layer whose first state is trained, and a linear output for each step.

    Its input [1, steps, 1] counts the steps and is 1 throughout: the layer's kernel is its bias.
    """

    def __init__(self, layer: layers.SimpleRNN | layers.LSTM | layers.ClockworkRNN):
        super().__init__()
        self.layer = layer
        self.first = [
            self.add_weight(
                name=f"first_{i}",
                shape=(1, size),
                initializer=fn.initializers.RandomNormal(stddev=0.1),
            )
            for i, size in enumerate(layer.state_size)
        ]
        self.output_layer = layers.Dense(1)

    def call(self, inputs: fn.Tensor) -> fn.Tensor:
        first = [fn.ops.convert_to_tensor(state) for state in self.first]
        return self.output_layer(self.layer(inputs, initial_state=first))


def build(net: str) -> FromMemory:
    """One of NETS."""
    units, options = NETS[net][0], {"use_bias": False, "return_sequences": True}
    if net == "clockwork RNN":
        model = FromMemory(layers.ClockworkRNN(units, PERIODS, **options))
    elif net == "RNN":
        model = FromMemory(layers.SimpleRNN(units, **options))
    else:
        model = FromMemory(layers.LSTM(units, **options))
    model(np.ones((1, SAMPLES, 1), "float32"))
    if net == "LSTM":
        kernel, recurrent = model.layer.get_weights()
        kernel[:, units : 2 * units] = FORGET
        model.layer.set_weights([kernel, recurrent])
    return model


def waveforms() -> tuple[str, list[np.ndarray]]:
    """What they are, and five waveforms [SAMPLES] from -1 to 1."""
    if is_here("fsdd"):
        _, (recordings, digits) = fn.datasets.fsdd.load_data()
        speakers = fn.datasets.fsdd.load_speakers()[1]
        chosen = [
            np.flatnonzero((digits == digit) & (speakers == speaker))[0]
            for digit, speaker in enumerate(sorted(set(speakers))[:5])
        ]
        return "40 ms of spoken digits", [loudest(recordings[i]) for i in chosen]
    print("the spoken digits (fsdd) are not here: made-up sounds take their place")
    return "40 ms of made-up sounds", [made_up(number) for number in range(5)]


def loudest(signal: np.ndarray) -> np.ndarray:
    """The SAMPLES of a recording that have the most energy, scaled to 1."""
    energy = np.convolve(np.square(signal), np.ones(SAMPLES), "valid")
    piece = signal[energy.argmax() :][:SAMPLES]
    return piece / np.abs(piece).max()


def made_up(number: int) -> np.ndarray:
    """Like a vowel: overtones of a voice that sinks, of random strength."""
    rng = np.random.default_rng(number)
    seconds = np.arange(SAMPLES) / RATE
    turns = rng.uniform(90, 220) * (seconds - 3 * np.square(seconds))
    overtones = np.arange(1, 13)
    strengths = rng.standard_normal(12) / np.sqrt(overtones)
    phases = rng.uniform(0, 2 * np.pi, 12)
    wave = np.sin(2 * np.pi * turns[:, None] * overtones + phases) @ strengths
    return (wave / np.abs(wave).max()).astype("float32")


def remember(net: str, wave: np.ndarray, seed: int, updates: int) -> tuple[dict, np.ndarray]:
    """Trains a net to give back a waveform.

    Returns:
        "error", the mean square over that of the waveform, "curve" of it (updates, errors),
        "seconds" of the processor, "parameters"; and what the net gives back.
    """
    fn.utils.set_random_seed(seed)
    model = build(net)
    rate = fn.optimizers.schedules.CosineDecay(NETS[net][1], updates)
    model.compile(fn.optimizers.Adam(rate, global_clipnorm=1.0), "mean_squared_error")
    target, power = wave[None, :, None], float(np.mean(np.square(wave)))
    ones = np.ones_like(target)
    start = time.process_time()
    losses = model.fit(
        ones, target, steps_per_epoch=EVERY, epochs=updates // EVERY, verbose=0
    ).history["loss"]
    seconds = time.process_time() - start
    given = model.predict(ones, verbose=0)[0, :, 0]
    return {
        "error": float(np.mean(np.square(given - wave))) / power,
        "curve": [
            [EVERY * (i + 1) for i in range(len(losses))],
            [float(loss) / power for loss in losses],
        ],
        "seconds": seconds,
        "parameters": model.count_params(),
    }, given


def run(
    quick: bool = False,
    seed: int = 0,
    epochs: int | None = None,
    batch_size: int | None = None,
    out: str | Path | None = None,
) -> dict:
    """Trains three nets on five waveforms (quick: on one); saves what they give back.

    epochs: updates of the clockwork RNN; the others have as many times more as in the full run
    batch_size: not used, a waveform is a batch

    Returns:
        dict: for each of NETS "errors" for the waveforms, "updates", "parameters", processor
        "seconds" for a waveform, "curve" of the first of them.
    """
    folder = folder_for("clockwork", out)
    what, waves = waveforms()
    if quick:
        waves = waves[1:2]
    figures: dict = {}
    given: dict[str, np.ndarray] = {}
    header = ["net", "parameters", "updates", "processor s", *"12345"[: len(waves)], "mean"]
    with Table(f"Error for {what}", header) as table:
        for net, (_, _, updates) in NETS.items():
            if epochs:
                updates = updates * epochs // NETS["clockwork RNN"][2]
            elif quick:
                updates //= QUICK
            updates = max(updates, EVERY)
            results = []
            for wave in waves:
                result, shown = remember(net, wave, seed, updates)
                results.append(result)
                given.setdefault(net, shown)
            figures[net] = f = {
                "parameters": results[0]["parameters"],
                "curve": results[0]["curve"],
                "errors": [r["error"] for r in results],
                "seconds": float(np.mean([r["seconds"] for r in results])),
                "updates": updates,
            }
            mean = float(np.mean(f["errors"]))
            table.add(net, f["parameters"], updates, f["seconds"], *f["errors"], mean)
    save_picture(folder / "waves.png", drawn, waves[0], given)
    save_picture(
        folder / "training.png",
        plots.lines,
        {net: f["curve"] for net, f in figures.items()},
        "updates",
        "error, first waveform",
        yscale="log",
    )
    return figures


def drawn(wave: np.ndarray, given: dict[str, np.ndarray]) -> plots.Drawing:
    """The waveform, and over it what each net gives back."""
    figure, grid = plots.style.new_grid(len(given), 1, (8, 2 * len(given)), sharex=True)
    milliseconds = 1000 * np.arange(SAMPLES) / RATE
    for (ax,), (net, output) in zip(grid, given.items()):
        lines = {"waveform": (milliseconds, wave), net: (milliseconds, output)}
        plots.lines(lines, "milliseconds" if net == list(given)[-1] else "", ax=ax)
    return plots.Drawing(figure)


def claims(figures: dict) -> list[Claim]:
    """The clockwork RNN errs far less in the mean; on single waveforms another may be ahead."""
    errors = {net: np.array(f["errors"]) for net, f in figures.items()}
    others = np.minimum(errors["RNN"], errors["LSTM"])
    clockwork = errors["clockwork RNN"]
    sizes = [figures[net]["parameters"] for net in NETS]
    return [
        Claim("parameters, most / least", max(sizes) / min(sizes), at_most=1.1),
        *(Claim(f"{net}, mean error", float(errors[net].mean())) for net in NETS),
        Claim(
            "clockwork / better of the others", float(clockwork.mean() / others.mean()), None, 0.2
        ),
        Claim("the same, worst waveform", float((clockwork / others).max())),
    ]
