"""What the recipes on speech share: the recordings of FSDD as log-mel frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastnn import audio
from fastnn.datasets import fsdd

BINS = 40
FRAME_SECONDS = 0.01  # from one frame to the next; each looks at 25 milliseconds


@dataclass(frozen=True)
class Spoken:
    """Recordings of one digit each.

    Attributes:
        frames: float32 [frames, BINS] of each: log-mel, of mean 0 and deviation 1 in every bin over
            all frames to train on.
        digits: int64 [n].
        speakers: str [n].
    """

    frames: list[np.ndarray]
    digits: np.ndarray
    speakers: np.ndarray


def load_spoken() -> tuple[Spoken, Spoken]:
    """The recordings to train on and those to test on, which are other takes of the same speakers.

    Raises what `fsdd.load_data` does.
    """
    (x_train, y_train), (x_test, y_test) = fsdd.load_data()
    train, test = (
        [audio.log_mel(x, fsdd.RATE, fft_length=256) for x in xs] for xs in (x_train, x_test)
    )
    every = np.concatenate(train)
    mean, deviation = every.mean(axis=0), every.std(axis=0)
    train, test = ([(x - mean) / deviation for x in xs] for xs in (train, test))
    speakers = fsdd.load_speakers()
    return Spoken(train, y_train, speakers[0]), Spoken(test, y_test, speakers[1])


def windows(frames: np.ndarray, count: int) -> np.ndarray:
    """[frames - count + 1, count * BINS]: each frame with those around it, one after the other."""
    around = audio.frame(frames.T, count, 1)  # [BINS, frames - count + 1, count]
    return around.transpose(1, 2, 0).reshape(-1, count * BINS)
