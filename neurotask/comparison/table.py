"""One row a network: how fast it learned, and how well it does at the end."""

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from neurotask.runs import Run

COLUMNS = {
    "variant": "the variant",
    "seed": "of initial weights, training trials and noise; networks are paired by it",
    "status": "how its run stands, such as finished",
    "reached": "whether it reached the criterion",
    "updates": "updates until it did, or that it has had in all (then it is censored)",
    "trials": "trials trained on by then",
    "tested": "trials of evaluations by then",
    "trials_in_all": "trials trained on and tested with by then",
    "stages": "stages of its curriculum, 0 of a task alone",
    "last_stage": "update at which the last stage was passed; NaN: not before the end",
    "held_out": "share correct on the held-out test, the same trials for every network",
    "loss": "loss in the last segment of training",
}
# Columns that count how long it took; of a network that never got there they are infinite.
COUNTS = ("updates", "trials", "tested", "trials_in_all")


def row(variant: str, seed: int, run: Run, stages: int) -> dict[str, Any]:
    """Return the row of a run; see `COLUMNS`."""
    log, training = run.log, run.settings["training"]
    done = training["updates_done"]
    session = run.session
    a_block = session.sizes["trial"] if session is not None and "block" in session.dims else 1
    a_batch = training["batch_size"] * a_block
    ends, targets = log[log["event"] == "end"], log[log["event"] == "target"]
    if len(log):
        trials, tested = int(log["trials"].iloc[-1]), int(log["tested"].iloc[-1])
        # The log ends with the last evaluation; updates may have followed it.
        trials += (done - int(log["update"].iloc[-1])) * a_batch
    else:
        trials, tested = done * a_batch, 0
    return {
        "variant": variant,
        "seed": seed,
        "status": run.status,
        "reached": bool(len(targets)),
        "updates": done,
        "trials": trials,
        "tested": tested,
        "trials_in_all": trials + tested,
        "stages": stages,
        "last_stage": float(ends["update"].iloc[0]) if len(ends) else np.nan,
        "held_out": share_correct(session),
        "loss": float(run.history["loss"].iloc[-1]) if len(run.history) else np.nan,
    }


def share_correct(session: xr.Dataset | None) -> float:
    """Return the share correct of the trials in which an answer is right; NaN: not known."""
    if session is None or "correct" not in session:
        return np.nan
    correct = session["correct"].to_numpy()
    known = correct[~np.isnan(correct)]
    return float(known.mean()) if len(known) else np.nan


def for_test(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return a column with a row a seed and a column a variant, what never came about infinite.

    Args:
        table: the table of a comparison.
        column: a column of numbers.
    """
    values = table[column].astype(float)
    if column in COUNTS:
        values = values.where(table["reached"], np.inf)
    elif column in ("last_stage", "loss"):
        values = values.fillna(np.inf)
    elif column == "held_out":
        values = values.fillna(-np.inf)  # of a network that diverged: worse than any
    return paired(values, table)


def paired(values: pd.Series, table: pd.DataFrame) -> pd.DataFrame:
    """Return values of the rows of a table with a row a seed and a column a variant."""
    wide = table.assign(_value=values.to_numpy()).pivot(
        index="seed", columns="variant", values="_value"
    )
    return wide[list(dict.fromkeys(table["variant"]))]


def medians(table: pd.DataFrame) -> pd.DataFrame:
    """Return a row a variant: how many reached the criterion, medians, and the held-out test."""
    rows = {}
    for variant, group in table.groupby("variant", sort=False):
        late = {name: group[name].where(group["reached"], np.inf) for name in COUNTS}
        rows[variant] = {
            "networks": len(group),
            "reached": int(group["reached"].sum()),
            "updates": late["updates"].median(),
            "trials_in_all": late["trials_in_all"].median(),
            "last_stage": group["last_stage"].fillna(np.inf).median(),
            "held_out": group["held_out"].median(),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("variant")
