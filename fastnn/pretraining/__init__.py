"""Unsupervised pre-training: restricted Boltzmann machines, and stacks of them that start a model.

>>> import fastnn as fn, numpy as np
>>> x = (np.random.default_rng(0).random((200, 12)) < 0.3).astype("float32")
>>> stack = RBMStack([BernoulliRBM(8, seed=1), BernoulliRBM(4, seed=2)])
>>> _ = stack.fit(x, epochs=2, batch_size=20, verbose=0)
>>> model = stack.to_sequential()
>>> model.add(fn.layers.Dense(3, activation="softmax"))
>>> model(x).shape
(200, 3)
"""

from fastnn.pretraining.bernoulli_rbm import BernoulliRBM
from fastnn.pretraining.gaussian_rbm import GaussianRBM
from fastnn.pretraining.rbm_stack import RBMStack

__all__ = ["BernoulliRBM", "GaussianRBM", "RBMStack"]
