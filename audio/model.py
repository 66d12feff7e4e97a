"""A small multilayer perceptron read from an .npz: numpy only, one hidden layer of tanh units."""

from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


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

    def temperature(self, since_s: float) -> float:
        """What logits are divided by so that probabilities are frequencies, so long after the begin."""
        return float(self.temperatures[np.searchsorted(self.band_edges_s, since_s, side="right")])

    def probabilities(self, vector: NDArray[np.floating], temperature: float = 1.0) -> Array:
        """Softmax class probabilities [..., classes] of feature vectors [..., features]."""
        scaled = np.minimum(np.maximum((vector.astype(np.float32) - self.mean) / self.scale, -4), 4)
        logits = np.tanh(scaled @ self.first + self.first_bias) @ self.second + self.second_bias
        logits /= np.float32(temperature)
        powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
        shares: Array = powers / powers.sum(axis=-1, keepdims=True)
        return shares


@cache
def load(name: str) -> Model:
    """The model `audio/models/<name>.npz`; a data sheet stands beside it."""
    data = resources.files("audio").joinpath("models", f"{name}.npz").read_bytes()
    with np.load(BytesIO(data), allow_pickle=False) as arrays:
        return Model(**{name: arrays[name].astype(np.float32) for name in arrays.files})
