"""Fits small networks: one hidden layer of tanh units, Adam on weighted cross-entropy, numpy alone."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Weights = dict[str, Array]
_NOISE = 0.15
_DECAY = 0.005
_RATE = 0.004


def train(
    rows: Array,
    targets: Array,
    weights: Array,
    *,
    hidden: int,
    seed: int,
    epochs: int = 20,
    batch: int = 512,
    decay: float = _DECAY,
    noise: float = _NOISE,
) -> Weights:
    """Weights (names of `audio.model.Model`) from rows [n, features] and class shares `targets` [n, classes].

    Inputs are standardised; noise of `noise` standard deviations is added while training.
    """
    random = np.random.Generator(np.random.PCG64(seed))
    mean = rows.mean(axis=0, dtype=np.float64).astype(np.float32)
    scale = rows.std(axis=0, dtype=np.float64).astype(np.float32) + np.float32(1e-3)
    inputs = np.clip((rows - mean) / scale, -4, 4)
    params: list[Array] = [
        (random.standard_normal((inputs.shape[1], hidden)) / inputs.shape[1] ** 0.5).astype(np.float32),
        np.zeros(hidden, np.float32),
        (random.standard_normal((hidden, targets.shape[1])) / hidden**0.5).astype(np.float32),
        np.zeros(targets.shape[1], np.float32),
    ]
    first = [np.zeros_like(p) for p in params]
    second = [np.zeros_like(p) for p in params]
    step = 0
    for epoch in range(epochs):
        rate = _RATE * 0.5 * (1 + np.cos(np.pi * epoch / epochs))
        order = random.permutation(len(inputs))
        for at in range(0, len(order), batch):
            pick = order[at : at + batch]
            share = weights[pick]
            gradients = _gradients(
                params,
                inputs[pick] + np.float32(noise) * random.standard_normal((len(pick), inputs.shape[1]), np.float32),
                targets[pick],
                share / share.sum(),
            )
            step += 1
            for i, gradient in enumerate(gradients):
                first[i] = 0.9 * first[i] + 0.1 * gradient
                second[i] = 0.999 * second[i] + 0.001 * gradient**2
                hat = first[i] / (1 - 0.9**step)
                params[i] -= (
                    rate * (hat / (np.sqrt(second[i] / (1 - 0.999**step)) + 1e-8) + decay * params[i])
                ).astype(np.float32)
    names = ("first", "first_bias", "second", "second_bias")
    return {"mean": mean, "scale": scale, **dict(zip(names, params, strict=True))}


def _gradients(params: list[Array], x: Array, y: Array, weight: Array) -> list[Array]:
    inner = np.tanh(x @ params[0] + params[1])
    logits = inner @ params[2] + params[3]
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    error = (shares - y) * weight[:, None]
    back = (error @ params[2].T) * (1 - inner**2)
    return [x.T @ back, back.sum(axis=0), inner.T @ error, error.sum(axis=0)]


def train_ensemble(
    rows: Array, targets: Array, weights: Array, *, hidden: int, seed: int, members: int = 4, epochs: int = 20
) -> Weights:
    """Networks of different seeds averaged before the softmax, which is one wider network."""
    made = [train(rows, targets, weights, hidden=hidden, seed=seed + i, epochs=epochs) for i in range(members)]
    return {
        "mean": made[0]["mean"],
        "scale": made[0]["scale"],
        "first": np.hstack([m["first"] for m in made]),
        "first_bias": np.hstack([m["first_bias"] for m in made]),
        "second": (np.vstack([m["second"] for m in made]) / members).astype(np.float32),
        "second_bias": np.mean([m["second_bias"] for m in made], axis=0).astype(np.float32),
    }


def logits(weights: Weights, rows: Array) -> Array:
    """Outputs [n, classes] before the softmax."""
    scaled = np.clip((rows - weights["mean"]) / weights["scale"], -4, 4)
    out: Array = np.tanh(scaled @ weights["first"] + weights["first_bias"]) @ weights["second"] + weights["second_bias"]
    return out


def one_hot(classes: NDArray[np.int64], count: int) -> Array:
    """Class shares [n, count] of class numbers [n]."""
    return np.eye(count, dtype=np.float32)[classes]
