"""The strength of regularisation that predicts left-out trials best."""

import numpy as np
import pandas as pd

from neurotask._streams import Stream, generator
from neurotask.analysis.population.demixing import Whole, demix, rows
from neurotask.analysis.population.marginals import marginalize

GRID = 10.0 ** np.arange(-6.0, 0.25, 0.5)


def cross_validate(
    values: np.ndarray,
    condition: np.ndarray,
    shape: tuple[int, ...],
    factors: tuple[str, ...],
    n_components: dict[str, int],
    *,
    separate_time: bool,
    n_repeats: int,
    seed: int,
) -> pd.DataFrame:
    """Return how badly parts of the average are read from trials that it did not contain.

    In each repeat one trial of each condition, chosen by chance, is left out. From the averages of
    the others come decoders and encoders, and these predict the parts of the averages from the
    trials left out.

    Args:
        values: single trials, (trial, time, unit); NaN where a trial has no data.
        condition: flattened place of each trial on the axes of the factors, (trial,).
        shape: number of levels of each factor.
        factors: the names of the factors.
        n_components: number of components of each part.
        separate_time: see `marginalize`.
        n_repeats: number of repeats.
        seed: of the trials that are left out.

    Returns:
        One row a value of `regularization`, with the mean of `error` over repeats (the squared
        error of all parts over the square of the averages) and its standard error `sem`.

    Source: Kobak et al. (2016), eLife 5:e10989, "Regularization in dPCA".
    """
    there = np.asarray(~np.isnan(values).any(axis=2, keepdims=True))
    filled = np.where(there, values, 0.0)
    belongs = (condition == np.arange(np.prod(shape))[:, None]).astype(float)
    total = np.tensordot(belongs, filled, 1)
    count = np.tensordot(belongs, there.astype(float), 1)
    if (count < 2).any():
        raise ValueError(
            "`regularization` must be a number where a condition has a time with one trial, got "
            '"cv". Give more trials of each condition, or a number such as 1e-3.'
        )
    errors = np.zeros((n_repeats, len(GRID)))
    for repeat in range(n_repeats):
        random = generator(seed, Stream.ANALYSIS, repeat)
        out = np.array([random.choice(np.flatnonzero(one)) for one in belongs])
        train = (total - filled[out]) / (count - there[out])
        offset = train.mean((0, 1))
        test = np.where(there[out], filled[out] - offset, 0.0)
        averages = (train - offset).reshape(*shape, *train.shape[1:])
        parts = marginalize(averages, factors, separate_time=separate_time)
        whole, seen = Whole.of(averages), rows(there[out])
        for i, strength in enumerate(GRID):
            for label, part in parts.items():
                decoders, encoders = demix(whole, part, n_components[label], strength)
                miss = (rows(part) - encoders.T @ (decoders @ rows(test))) * seen
                errors[repeat, i] += (miss**2).sum()
        errors[repeat] /= (averages**2).sum()
    sem = errors.std(0, ddof=1) / np.sqrt(n_repeats)
    return pd.DataFrame({"regularization": GRID, "error": errors.mean(0), "sem": sem})
