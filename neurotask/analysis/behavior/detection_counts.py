"""Hits, false alarms and correct answers, counted by strength, and what follows from them."""

from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from neurotask._checks import listed
from neurotask.analysis._rows import choices_of, positive_choice, require, scored
from neurotask.analysis.behavior.levels import level_of

_YES = ("yes", 1)


def count_yes(
    table: pd.DataFrame, axis: str, silent: pd.Series, choice: Any, n_bins: int | None
) -> tuple[pd.DataFrame, int]:
    """Return counts by strength, those over all last (`x` NaN), and how many trials are neither.

    Signal is what lies above 0. Noise lies below 0, each strength with its own, or at 0 where the
    axis takes no negative values, then the same for all strengths.
    """
    require(table, "choice")
    positive = positive_choice(table, choice)
    yes = (table["choice"] == positive)[~silent].to_numpy()
    x = table[axis].to_numpy(float)[~silent]
    two_sided = bool((x < 0).any())
    options = choices_of(table)
    if choice is None and not two_sided and len(options) == 2 and positive not in _YES:
        raise ValueError(
            f"`choice` must say which choice means yes, there is a signal, one of "
            f"{listed(map(str, options))}, got None where {axis!r} has no values below 0. Name it, "
            f'as in choice="{positive}", or take an `axis` that is 0 without a signal.'
        )
    signal, noise = x > 0, x < 0 if two_sided else x == 0
    for name, there in (("above 0", signal.any()), ("of 0 or below", noise.any())):
        if not there:
            raise ValueError(
                f"`{axis}` must have trials with a signal (above 0) and without one (0 or below), "
                f"got none {name}. Run trials of both kinds."
            )
    columns = {
        "n_signal": signal,
        "hits": signal & yes,
        "n_noise": noise,
        "false_alarms": noise & yes,
    }
    rows = pd.DataFrame(columns).astype(int)
    used = signal | noise if two_sided else signal
    counts = rows[used].groupby(level_of(np.abs(x[used]), n_bins)).sum()
    total = rows.sum()
    if not two_sided:
        counts["n_noise"], counts["false_alarms"] = total["n_noise"], total["false_alarms"]
    counts = counts.rename_axis("x").reset_index()
    counts.loc[len(counts)] = {"x": np.nan, **total}
    return counts.astype(dict.fromkeys(columns, int)), int((~signal & ~noise).sum())


def count_correct(
    table: pd.DataFrame, axis: str, silent: pd.Series, n_bins: int | None
) -> tuple[pd.DataFrame, int]:
    """Return counts of correct answers by strength, those over all last, and of unscored trials."""
    require(table, "correct")
    correct = scored(table["correct"])
    used = ~silent & correct.notna()
    if not used.any():
        raise ValueError(
            f"`correct` must be 0 or 1 in some answered trials, got none of {len(table)}. "
            "Give trials in which an answer is right."
        )
    level = level_of(np.abs(table.loc[used, axis].to_numpy(float)), n_bins)
    groups = correct[used].groupby(level)
    columns = {"n_trials": groups.count(), "n_correct": groups.sum().astype(int)}
    counts = pd.DataFrame(columns).rename_axis("x").reset_index()
    counts.loc[len(counts)] = {"x": np.nan, **counts[[*columns]].sum()}
    return counts.astype(dict.fromkeys(columns, int)), int((~silent & correct.isna()).sum())


def score_yes(counts: pd.DataFrame, half: float, z: float) -> pd.DataFrame:
    """Add d', criterion and beta to counts of hits and false alarms.

    d' = z(H) - z(F), c = -(z(H) + z(F)) / 2, ln beta = c d'. The variance of both terms of d' is
    that of `_z`, and c has a quarter of the sum.

    Args:
        counts: as `count_yes` returns them.
        half: what is added to hits and false alarms, twice it to trials: 1/2, or 0 for nothing.
        z: half the width of the interval in standard errors.
    """
    table = counts.copy()
    table["hit_rate"], hit, of_hit = _z(table["hits"], table["n_signal"], half)
    table["false_alarm_rate"], alarm, of_alarm = _z(table["false_alarms"], table["n_noise"], half)
    error = np.sqrt(of_hit + of_alarm)
    with np.errstate(invalid="ignore"):  # infinite, of opposite sign
        d_prime, criterion = hit - alarm, -(hit + alarm) / 2
        table["d_prime"], table["criterion"] = d_prime, criterion
        table["log_beta"] = criterion * d_prime
    table["beta"] = np.exp(table["log_beta"])
    table["d_prime_low"], table["d_prime_high"] = d_prime - z * error, d_prime + z * error
    table["criterion_low"] = criterion - z * error / 2
    table["criterion_high"] = criterion + z * error / 2
    pairs = (("hits", "n_signal"), ("false_alarms", "n_noise"))
    table["status"] = _statuses(table, pairs, half)
    return table


def score_correct(counts: pd.DataFrame, half: float, z: float) -> pd.DataFrame:
    """Add d' = sqrt(2) z(Pc) to counts of correct answers; arguments as those of `score_yes`."""
    table = counts.copy()
    table["p_correct"], score, variance = _z(table["n_correct"], table["n_trials"], half)
    d_prime, error = np.sqrt(2) * score, np.sqrt(2 * variance)
    table["d_prime"], table["d_prime_low"] = d_prime, d_prime - z * error
    table["d_prime_high"] = d_prime + z * error
    for name in ("criterion", "log_beta", "beta"):
        table[name] = np.nan
    table["status"] = _statuses(table, (("n_correct", "n_trials"),), half)
    return table


def _z(k: pd.Series, n: pd.Series, half: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a rate p, z(p), and the variance of z(p), which is p (1 - p) / (n phi(z)^2)."""
    total = n.to_numpy(float) + 2 * half
    with np.errstate(divide="ignore", invalid="ignore"):
        p = (k.to_numpy(float) + half) / total
        z = ndtri(p)
        variance = p * (1 - p) / total * 2 * np.pi * np.exp(z**2)
    return p, z, np.where(np.isfinite(z), variance, np.nan)


def _statuses(table: pd.DataFrame, pairs: Any, half: float) -> list[str]:
    """Say of each row which rates are at an edge, or have no trials."""
    lines = []
    for _, row in table.iterrows():
        empty = [n for _, n in pairs if row[n] == 0]
        if empty:
            lines.append(f"undetermined: {empty[0]} is 0")
            continue
        edges = {k: "all" if row[k] == row[n] else "no" for k, n in pairs if row[k] in (0, row[n])}
        words = " and ".join(f"{all_or_no} {k.replace('_', ' ')}" for k, all_or_no in edges.items())
        words = words.replace("n correct", "correct answers")
        how = "corrected" if half else "infinite"
        lines.append(f"{how}: {words}" if edges else "ok")
    return lines
