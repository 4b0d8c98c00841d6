"""Operands of calls that every backend refuses."""

import numpy as np

from fastnn.backends.reference import FUNCTIONS

F = np.zeros((3, 4), np.float32)
D = np.zeros((3, 4))
I = np.zeros((3, 4), np.int32)  # noqa: E741
B = np.zeros((3, 4), bool)
V = np.zeros(3, np.float32)
VIEW = np.zeros((2, 1, 1, 4), np.float32)
ROW = np.zeros(4, np.float32)
IMAGES = np.zeros((2, 5, 6, 3), np.float32)
STATE = np.zeros(2, np.int64)
RATE, HYPER = np.array(0.1), np.array([0.9, 0.999, 1e-7])
ONE = np.array(1)
NONE3 = (None, None, None)
NONE4 = (*NONE3, None)
IMAGE, KERNEL = np.zeros((2, 5, 6, 4), np.float32), np.zeros((3, 3, 4, 6), np.float32)
SIGNAL = np.zeros((2, 3, 4, 6), np.float32)
STEP = (RATE, HYPER, ONE, *NONE4, None)
PLAIN = (RATE, np.zeros(0), ONE, *NONE4)
FRAMES, LENGTHS = np.zeros((2, 5, 4), np.float32), np.array([5, 4])
RNN = [
    FRAMES.reshape(5, 2, 4)[..., :3],
    [np.zeros((3, 8), np.float32), np.zeros((2, 8), np.float32)],
]
RNN += [None, None]
RNN_KEPT = FUNCTIONS["rnn"](*RNN, cell="lstm", want_history=True)[2:]
ATTENTION = [np.zeros(shape, np.float32) for shape in ((2, 3, 4, 6), (2, 5, 2, 6), (2, 5, 2, 7))]
ATTENTION += NONE3  # mask, rate, state
HALF = np.array(0.5, np.float32)
ATTENDED = [np.zeros(shape, np.float32) for shape in ((2, 3, 4, 7), (2, 3, 4, 7), (2, 4, 3))]
CTC = [FRAMES, np.array([[1, 2, 3], [3, 1, 0]]), LENGTHS, np.array([3, 2])]
