"""What a report tells of a curriculum: counts that add up, and behaviour between stages."""

import re

import numpy as np
import pandas as pd
import pytest

from neurotask import _report_curriculum as parts
from neurotask import _report_figures as figures
from neurotask._report_numbers import DASH
from neurotask.curriculum.log import as_table
from neurotask.report import report
from neurotask.session import session as make_session
from neurotask.tasks.go_no_go import GoNoGo
from neurotask.tasks.perceptual_discrimination import PerceptualDiscrimination

NAMES = ["easy", "hard"]
SETTINGS = {
    "status": "finished",
    "task": {"name": "my_task", "class": "MyTask", "summary": "", "settings": {}},
    "model": {"class": "RateRNN"},
    "training": {
        "rule": "BPTT()",
        "updates_asked": 60,
        "updates_done": 60,
        "batch_size": 8,
        "seconds": 1.0,
    },
    "optimizer": {},
    "evaluation": {},
    "versions": {},
    "sources": {},
}
HISTORY = pd.DataFrame({"updates": [30, 60], "loss": [0.2, 0.05]})


def row(update, stage=0, **changes):
    return {
        "update": update,
        "stage": stage,
        "name": NAMES[stage],
        "lesson": "",
        "level": np.nan,
        "metric": "accuracy",
        "value": 0.7,
        "threshold": 0.9,
        "passed": False,
        "event": "",
        "loss": 0.1,
        "trials": 8 * update,
        "tested": 2 * update,
    } | changes


LOG = as_table(
    [
        row(10),
        row(20, event="advance"),
        row(30, 1, event="back"),
        row(45, event="advance", value=0.925),
        row(60, 1, metric="loss", value=0.0123, threshold=np.nan),
        row(60, 1, name="target", value=0.8, threshold=0.8, event="target"),
    ]
)


def behaved(sigma, event="advance", task=None):
    """Behaviour of an observer with noise of a size, as run folders keep it."""
    task = PerceptualDiscrimination() if task is None else task
    trials = task.grid(repeats=40, seed=1)
    outputs = np.zeros(trials.targets.shape)
    noise = sigma * np.random.default_rng(2).standard_normal(len(trials))
    outputs[..., -1] = (trials.columns.get("coherence", np.zeros(len(trials))) + noise)[:, None]
    kind = np.array(list("EI"))
    rates = np.zeros((*outputs.shape[:2], 2))
    made = make_session(trials, outputs, {"rates": rates}, kind, np.array(["", ""]))
    made = made.drop_dims(["time", "input", "output", "unit"])
    return made.assign_attrs(event=event)


SESSIONS = {0: behaved(0.5, "start"), 20: behaved(0.2), 30: behaved(0.2, "back"), 60: behaved(0.1)}


@pytest.fixture
def undrawn(monkeypatch):
    """Keep what would be drawn in place of drawing it."""
    kept = []

    def keep(draw, size, *data):
        kept.append(data)
        return figures.Drawing(b"<svg/>", b"")

    monkeypatch.setattr(figures, "drawn", keep)
    return kept


def test_a_table_says_what_each_stage_took(undrawn):
    table = parts.course(LOG, NAMES, 1).table
    assert table.rows == [
        ["easy", "35", "280", "3", "accuracy 92.5\u202f%", "90.0\u202f%"],
        ["hard", "25", "200", "2", "loss 0.0123", DASH],
        ["target", DASH, DASH, "1", "accuracy 80.0\u202f%", "80.0\u202f%"],
    ]
    assert len(table.columns) == 6


def test_a_stage_that_was_not_reached_is_in_the_table_without_values(undrawn):
    part = parts.course(LOG[:2], NAMES, 1)
    assert part.table.rows[1] == ["hard", "0", "0", "0", DASH, DASH]
    assert "1 of 2 stages were trained, easy." in part.figures[0].alt


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ("end", "It ended when the last stage was passed."),
        ("stop", "It was stopped when a stage had reached its limit."),
        ("target", "It ended when the target was reached."),
        ("", "It had not ended with the last update."),
    ],
)
def test_caption_says_how_it_ended_and_what_testing_took(undrawn, event, words):
    (picture,) = parts.course(as_table([row(10, event=event)]), NAMES, 4).figures
    assert words in picture.caption and "took 20 trials" in picture.caption
    assert (picture.number, picture.name) == (4, "curriculum")


@pytest.mark.parametrize("log", [None, as_table([])])
def test_without_an_evaluation_there_is_no_part(log):
    assert parts.course(log, NAMES, 1) is None
    assert parts.boundaries(log, NAMES, {}, 1) is None


def test_curves_are_those_of_the_sessions_in_order(undrawn):
    (picture,) = parts.boundaries(LOG, NAMES, SESSIONS, 2).figures
    ((curves, label),) = undrawn
    names = ["0: start", "20: after easy", "30: back from hard", "60: after hard"]
    assert [name for name, _ in curves] == names
    thresholds = [fit.threshold for _, fit in curves]
    assert thresholds[0] > thresholds[1] == thresholds[2] > thresholds[3]
    assert label == "Coherence (%)"
    assert "P(right) over coherence" in picture.caption


def test_the_end_by_a_target_is_named(undrawn):
    parts.boundaries(LOG, NAMES, {0: SESSIONS[0], 60: behaved(0.1, "target")}, 2)
    assert [name for name, _ in undrawn[0][0]][-1] == "60: target reached"


def test_many_ends_are_thinned_out_but_first_and_last_stay(undrawn):
    one = behaved(0.2)
    sessions = {update: one for update in range(0, 200, 10)}
    (picture,) = parts.boundaries(LOG, NAMES, sessions, 2).figures
    names = [name for name, _ in undrawn[0][0]]
    assert len(names) == parts.MOST_CURVES
    assert names[0].startswith("0:") and names[-1].startswith("190:")
    assert "Of 20 ends 6 are drawn." in picture.caption


@pytest.mark.parametrize("levels", ["none", "too few"])
def test_without_an_axis_or_its_levels_there_are_no_curves(levels):
    assert parts.boundaries(LOG, NAMES, {0: SESSIONS[0]}, 1) is None
    session = behaved(0.1, task=GoNoGo())  # go or no-go: two levels
    if levels == "none":
        del session.attrs["psychometric_axis"]
    assert parts.boundaries(LOG, NAMES, {0: session, 20: session}, 1) is None


def test_report_holds_both_parts_and_their_figures():
    settings = SETTINGS | {"curriculum": {"stages": NAMES}}
    made = report(settings, HISTORY, None, None, LOG, SESSIONS)
    headings = re.findall(r"<h2>([^<]*)</h2>", made.html)
    assert headings[:3] == ["Curriculum", "Behaviour between stages", "Learning"]
    for name in ("curriculum", "stages"):
        assert made.files()[f"figures/{name}.png"].startswith(b"\x89PNG")
    assert [int(n) for n in re.findall(r"<b>Figure (\d)", made.html)] == [1, 2, 3]


def test_report_of_a_task_is_without_them(undrawn):
    made = report(SETTINGS, HISTORY, None, None, as_table([]), {})
    assert "Curriculum" not in made.html and "between stages" not in made.html
