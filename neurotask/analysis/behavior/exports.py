"""Tables that PyDDM, HSSM and psytrack read. None of them is needed to make one."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
import xarray as xr

from neurotask._checks import choose, count, listed
from neurotask.analysis._arguments import names_of
from neurotask.analysis._rows import choices_of, require, scored, unanswered
from neurotask.analysis.behavior.levels import stimulus_named
from neurotask.analysis.behavior.past import in_order, numbers_of, one_of_two, past, runs_of, sides
from neurotask.analysis.behavior.timed import reaction_times

Coding = Literal["choice", "accuracy"]

_ANSWERS = ("rt", "choice", "correct", "response")  # columns of the tables themselves
_MADE = ("bias", "previous_choice")  # inputs that psytrack or `to_psytrack` makes


def to_pyddm(
    data: Any,
    *,
    conditions: str | Sequence[str] | None = None,
    coding: Coding | None = None,
    choice: Any = None,
) -> pd.DataFrame:
    """Return the table from which PyDDM makes a sample.

        pyddm.Sample.from_pandas_dataframe(table, rt_column_name="rt", choice_column_name="choice")

    (with choice_column_name="correct" for the coding "accuracy"). Every other column is a condition
    of it.

    Args:
        data: a Session, or a table with one row a trial and `rt` in ms.
        conditions: names of the columns to keep, none of them "rt", "choice", "correct" or
            "response"; the stimulus of the Session unless given.
        coding: "choice": the upper bound is the positive choice, and the stimulus keeps its sign;
            "accuracy": the upper bound is the correct answer, and the Session's stimulus loses its
            sign; trials in which no answer is right are left out. Unless given, "choice" where
            there are two choices and the stimulus takes negative values.
        choice: the positive choice; the second of the Session's `choices` unless given, or 1 where
            choices are 0 and 1.

    Returns:
        A table with `rt` in SECONDS, `choice` (or `correct`), 1 or 0, and the conditions. Its
        `attrs` count what was left out: `n_no_response`, `n_no_rt`, `n_unscored`. Rows are in the
        order of the data; those of a block Session block by block.

    Raises:
        TypeError: if the data are no Session or table.
        ValueError: if a name is unknown or that of an answer, no trial has a reaction time, or they
            are not in ms.

    Source: Shinn, Lam & Murray (2020) eLife 9:e56938; PyDDM 0.9.0.

    Example:
        >>> table = pd.DataFrame({"coherence": [0.1, -0.1], "choice": [1, 0], "rt": [500.0, 620.0]})
        >>> to_pyddm(table, conditions="coherence").to_dict("list")
        {'rt': [0.5, 0.62], 'choice': [1, 0], 'coherence': [0.1, -0.1]}
    """
    return _timed(data, conditions, coding, choice, low=0)


def to_hssm(
    data: Any,
    *,
    conditions: str | Sequence[str] | None = None,
    coding: Coding | None = None,
    choice: Any = None,
) -> pd.DataFrame:
    """Return the table that HSSM fits: `hssm.HSSM(data=table)`.

    Arguments, errors and what is left out are those of `to_pyddm`. To fit several networks or
    subjects as a hierarchy, name the column that tells them apart among the `conditions`.

    Returns:
        A table with `rt` in SECONDS, `response`, 1 for the upper bound (the positive choice, or the
        correct answer) and -1 for the lower one, and the conditions.

    Source: HSSM 0.2 and later, whose data have these two columns.

    Example:
        >>> table = pd.DataFrame({"coherence": [0.1, -0.1], "choice": [1, 0], "rt": [500.0, 620.0]})
        >>> to_hssm(table, conditions="coherence").to_dict("list")
        {'rt': [0.5, 0.62], 'response': [1, -1], 'coherence': [0.1, -0.1]}
    """
    table = _timed(data, conditions, coding, choice, low=-1)
    return table.rename(columns={"choice": "response", "correct": "response"})


def to_psytrack(
    data: Any,
    *,
    inputs: str | Sequence[str] | None = None,
    n_back: int = 0,
    session: str | Sequence[str] | None = None,
    choice: Any = None,
) -> dict[str, Any]:
    """Return the dictionary that psytrack fits: `psytrack.hyperOpt(D, hyper, weights, optList)`.

    Trials without a valid choice are left out, and counted in `n_no_response`; the past of those
    behind them is that of all trials. psytrack makes the input "bias" itself.

    Args:
        data: a Session, or a table with one row a trial, in order.
        inputs: names of the stimuli; that of the Session unless given; () for none.
        n_back: number of trials back that `inputs` and the previous choice are given for.
        session: name or names of what changes where a session ends. The blocks of a block task are
            sessions.
        choice: the choice that is 2 in `y`; the second of the Session's `choices` unless given, or
            1 where choices are 0 and 1.

    Returns:
        A dictionary with `y`: 2 for the positive choice, 1 for the other, (trial,); `inputs`: the
        stimuli, each (trial, 1 + n_back), whose column j is that of j trials before, and with
        `n_back` "previous_choice", (trial, n_back), 1 or -1, column 0 that of the trial before; 0
        where there is none in the session; `dayLength`: trials a session, (session,); `correct`
        (trial,) where it is known; and `n_no_response`.

    Raises:
        TypeError: if the data are no Session or table, or an input is not of numbers.
        ValueError: if a name is unknown, or there are more than two choices.

    Source: Roy, Bak, Akrami, Brody & Pillow (2021) Neuron 109:597; psytrack 2.0.2.

    Example:
        >>> table = pd.DataFrame({"contrast": [0.1, -0.2, 0.3], "choice": [1, 0, 1]})
        >>> D = to_psytrack(table, inputs="contrast", n_back=1)
        >>> D["y"].tolist(), D["inputs"]["previous_choice"].ravel().tolist()
        ([2, 1, 2], [0.0, 1.0, -1.0])
    """
    count("n_back", n_back, low=0)
    table = in_order(data, ())
    names = (None,) if inputs is None else names_of("inputs", inputs)
    stimuli = [stimulus_named("inputs", table, one) for one in names]
    for name in stimuli:
        if name in _MADE:
            raise ValueError(
                f"`inputs` must not hold {listed(_MADE)}, which are made here, got {name!r}. "
                "Rename the column."
            )
    require(table, "choice")
    positive = one_of_two(table, choice)
    edges = names_of("session", session)
    if isinstance(data, xr.Dataset) and "block" in data.dims:
        edges = (*edges, "block")
    runs, numbers = runs_of(table, edges), numbers_of(table)
    side, silent = sides(table, positive), unanswered(table).to_numpy()

    def lagged(values: np.ndarray, first: int) -> np.ndarray:
        columns = [values] * (first == 0)
        columns += [past(values, runs, back, numbers) for back in range(1, n_back + 1)]
        return np.nan_to_num(np.stack(columns, axis=1))[~silent]

    made = {name: lagged(table[name].to_numpy(float), 0) for name in stimuli}
    if n_back:
        made["previous_choice"] = lagged(side, 1)
    result: dict[str, Any] = {
        "y": np.where(side > 0, 2, 1)[~silent],
        "inputs": made,
        "dayLength": _lengths(runs[~silent]),
        "n_no_response": int(silent.sum()),
    }
    if "correct" in table:
        result["correct"] = scored(table["correct"]).to_numpy()[~silent]
    return result


def _timed(
    data: Any,
    conditions: str | Sequence[str] | None,
    coding: Coding | None,
    choice: Any,
    low: int,
) -> pd.DataFrame:
    names = names_of("conditions", conditions)
    table = in_order(data, names)
    own = table.attrs.get("psychometric_axis")
    names = (own,) if conditions is None and own in table else names
    for name in names:
        choose("conditions", name, map(str, table.columns))
        if name in _ANSWERS:
            raise ValueError(
                f"`conditions` must name conditions, not the answers {listed(_ANSWERS)}, got "
                f"{name!r}. Rename the column if it is a condition."
            )
    two_sided = any(pd.api.types.is_numeric_dtype(table[n]) and (table[n] < 0).any() for n in names)
    if coding is None:
        two_sided = two_sided and "choice" in table and len(choices_of(table)) in (0, 2)
        coding = "choice" if two_sided else "accuracy"
    choose("coding", coding, ("choice", "accuracy"))
    rt, silent = reaction_times(table), unanswered(table)
    if coding == "choice":
        require(table, "choice")
        column, upper = "choice", table["choice"] == one_of_two(table, choice)
        unscored = pd.Series(False, index=table.index)
    else:
        require(table, "correct")
        correct = scored(table["correct"])
        column, upper, unscored = "correct", correct == 1, correct.isna()
    used = ~silent & rt.notna() & ~unscored
    made = {"rt": rt[used] / 1000.0, column: np.where(upper, 1, low)[used]}
    for name in names:
        strength = coding == "accuracy" and name == own
        made[name] = table.loc[used, name].abs() if strength else table.loc[used, name]
    result = pd.DataFrame(made).reset_index(drop=True)
    result.attrs = {
        "n_no_response": int(silent.sum()),
        "n_no_rt": int((~silent & rt.isna()).sum()),
        "n_unscored": int((~silent & rt.notna() & unscored).sum()),
    }
    return result


def _lengths(runs: np.ndarray) -> np.ndarray:
    edges = np.flatnonzero(np.diff(runs)) + 1
    return np.diff(np.concatenate([[0], edges, [len(runs)]]))
