"""A small multilayer perceptron read from an .npz: numpy only, one hidden layer of tanh units."""

from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
_ROWS = 8
"""Products of matrices with a multiple of so many rows are the same row by row; BLAS adds up others in other ways."""


@dataclass(frozen=True, slots=True)
class Model:
    """Weights of one model. Inputs are standardised by `mean` and `scale` and clipped to +-4.

    Shapes: mean, scale [features]; first [features, hidden]; first_bias [hidden]; second [hidden, classes];
    second_bias [classes]; band_edges_s [bands - 1] and temperatures [bands] calibrate by time (one band: 1.0).
    """

    mean: Array
    scale: Array
    first: Array
    first_bias: Array
    second: Array
    second_bias: Array
    band_edges_s: Array = field(default_factory=lambda: np.zeros(0, np.float32))
    temperatures: Array = field(default_factory=lambda: np.ones(1, np.float32))

    def temperature(self, since_s: NDArray[np.floating]) -> Array:
        """What logits are divided by so that probabilities are frequencies, so long after the begin [...]."""
        return self.temperatures[np.searchsorted(self.band_edges_s, since_s, side="right")]

    def probabilities(self, vector: NDArray[np.floating], temperature: Array | None = None) -> Array:
        """Softmax class probabilities [..., classes] of feature vectors [..., features]; temperatures [..., 1].

        A vector's are the same to the last bit alone and among others.
        """
        rows = np.atleast_2d(vector)
        scaled = np.zeros((-(-len(rows) // _ROWS) * _ROWS, self.mean.size), np.float32)
        inside = scaled[: len(rows)]
        np.divide(np.subtract(rows, self.mean, out=inside), self.scale, out=inside)
        np.minimum(np.maximum(inside, -4, out=inside), 4, out=inside)
        hidden = scaled @ self.first
        hidden += self.first_bias
        logits = (np.tanh(hidden, out=hidden) @ self.second)[: len(rows)] + self.second_bias
        if vector.ndim == 1:
            logits = logits[0]
        if temperature is not None:
            logits /= temperature
        powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
        shares: Array = powers / powers.sum(axis=-1, keepdims=True)
        return shares


@cache
def load(name: str) -> Model:
    """The model `audio/models/<name>.npz`; a data sheet stands beside it."""
    data = resources.files("audio").joinpath("models", f"{name}.npz").read_bytes()
    with np.load(BytesIO(data), allow_pickle=False) as arrays:
        return Model(**{name: arrays[name].astype(np.float32) for name in arrays.files})
