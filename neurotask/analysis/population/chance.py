"""Spectra of variance that units which share nothing would have."""

import numpy as np

from neurotask._streams import Stream, generator


def shuffled_spectra(rows: np.ndarray, n_shuffles: int, seed: int) -> np.ndarray:
    """Return shares of variance by component once each unit is shuffled by itself.

    Args:
        rows: centred activity, (sample, unit).
        n_shuffles: number of shuffles.
        seed: of the shuffles.

    Returns:
        (shuffle, component), each row in falling order.
    """
    spectra = []
    for shuffle in range(n_shuffles):
        shuffled = generator(seed, Stream.ANALYSIS, shuffle).permuted(rows, axis=0)
        spectra.append(spectrum(shuffled))
    return np.array(spectra)


def spectrum(rows: np.ndarray) -> np.ndarray:
    """Return the share of variance by component of activity, (sample, unit), in falling order."""
    centred = rows - rows.mean(0)
    wide = centred.shape[1] > centred.shape[0]
    values = np.linalg.eigvalsh(centred @ centred.T if wide else centred.T @ centred)[::-1]
    return np.clip(values, 0, None) / values.sum()
