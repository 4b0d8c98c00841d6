"""What a step of every optimizer costs, beside Adam's.

`python -m bench.optimizer_steps [NAME ...]` times steps as `fit` replays them, in turn, on one
large weight and on many small ones, and sets them against the memory that they touch: arrays of
the weights' size read and written in a step. A step that costs what its arrays do has the same
number in both columns.
"""

import argparse
from collections.abc import Callable
from functools import partial
from itertools import cycle
from typing import Any, NamedTuple

import fastnn as fn
from bench.families.optimizers import operands
from bench.measure import interleave
from bench.row import Streams, stream_call
from bench.shapes import short

LISTS = ((1, 10**6), (1000, 100))  # weights, elements of each
o = fn.optimizers


class Kind(NamedTuple):
    """An optimizer, its slots that are read and written, and what else it reads or writes."""

    make: Callable[[], Any]
    slots: int
    others: int = 0

    def arrays(self) -> int:
        """Weights and slots are read and written, gradients read."""
        return 3 + 2 * self.slots + self.others


KINDS = {
    "Adam": Kind(o.Adam, 2),
    "AdamW": Kind(o.AdamW, 2),
    "AMSGrad": Kind(lambda: o.Adam(amsgrad=True), 3),
    "Adamax": Kind(o.Adamax, 2),
    "Nadam": Kind(o.Nadam, 2),
    "SGD": Kind(o.SGD, 0),
    "Momentum": Kind(lambda: o.SGD(momentum=0.9), 1),
    "Adagrad": Kind(o.Adagrad, 1),
    "Adadelta": Kind(o.Adadelta, 2),
    "RMSprop": Kind(o.RMSprop, 1),
    "Ftrl": Kind(o.Ftrl, 2),
    "Lion": Kind(o.Lion, 1),
    "Lamb": Kind(o.Lamb, 2, 3),  # a direction written and read, the weight read again
    "Adafactor": Kind(o.Adafactor, 1, 3),  # likewise
    "ScheduleFreeAdamW": Kind(o.ScheduleFreeAdamW, 2),
    "VSGD": Kind(o.VSGD, 5, 1),  # the curvature, which a probe has found
    "AdaSecant": Kind(lambda: o.AdaSecant(0.0), 13),  # stands still: nothing slopes so
    "Muon": Kind(o.Muon, 2),  # of weights without columns, which are Adam's
    "LossScaleOptimizer": Kind(lambda: o.LossScaleOptimizer(o.Adam()), 2, 1),
    "MultiOptimizer": Kind(lambda: o.MultiOptimizer(o.OptimizerMap(o.Adam())), 2),
}


def step_of(kind: Kind, count: int, size: int) -> Callable[[], None]:
    """A recorded step of `count` weights of `size` elements each, by two gradients in turn: one
    alone would let means of its changes fade to numbers that processors are slow with."""
    weights, slopes = operands(count, size)
    variables, one = [fn.Variable(w) for w in weights], [fn.tensor(g) for g in slopes]
    other = [fn.tensor(g[::-1].copy()) for g in slopes]
    optimizer = kind.make()
    if optimizer.probes:
        optimizer.probe(one, variables, lambda: other)
    steps = [fn.capture(partial(optimizer.apply, g, variables)).bind() for g in (one, other)]
    turns = cycle(steps)
    return lambda: next(turns)()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(KINDS))
    names = ["Adam", *(parser.parse_args().names or KINDS)]
    kinds = {name: KINDS[name] for name in names}
    for count, size in LISTS:
        calls = {name: step_of(kind, count, size) for name, kind in kinds.items()}
        for arrays in {kind.arrays() for kind in kinds.values()}:
            touched = Streams(count * size, read=arrays % 2, updated=arrays // 2)
            calls[f"{arrays} arrays"] = stream_call([touched])
        seconds = interleave(calls)
        adam, touched_by_adam = seconds["Adam"], seconds[f"{kinds['Adam'].arrays()} arrays"]
        print(f"{short(count)} x {short(size)}: Adam {adam * 1e6:.0f} us")
        print(f"{'times Adam':>31}: step arrays memory")
        for name, kind in kinds.items():
            arrays = kind.arrays()
            memory = seconds[f"{arrays} arrays"] / touched_by_adam
            shares = seconds[name] / adam, arrays / kinds["Adam"].arrays(), memory
            print(f"  {name:<29}" + "".join(f"{share:>7.2f}" for share in shares))


if __name__ == "__main__":
    main()
