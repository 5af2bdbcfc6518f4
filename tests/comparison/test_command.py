"""`neurotask compare`: what it makes, and what it says to a mistake."""

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import neurotask as nt
from neurotask import cli

TASK = ["--task", "perceptual_discrimination", "--set", "stimulus=200", "--set", "fixation=100"]
SMALL = ["--seeds", 2, "--updates", 4, "--units", 6, "--batch-size", 4, "--every", 2, "--trials", 8]
LADDER = """
import neurotask as nt


def curriculum(task=None):
    easy = task.replace(coherences=(0.9,))
    return nt.Curriculum([nt.Stage(easy, every=2, trials=8), nt.Stage(task, every=2, trials=8)])
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(*args):
    return CliRunner().invoke(cli.app, ["compare", *map(str, args)])


def test_curricula_and_tasks_are_compared(folder):
    (folder / "my_ladder.py").write_text(LADDER)
    result = call("./my_ladder.py", "rdm", *TASK, *SMALL, "--processes", 1)
    assert result.exit_code == 0, result.output
    found = nt.load_comparison(folder / "comparison")
    assert found.variants == ("my_ladder", "rdm") and found.seeds == (0, 1)
    assert {repr(run.task) for run in found.runs.values()} == {
        repr(nt.load("perceptual_discrimination", stimulus=200, fixation=100))
    }
    table = pd.read_csv(folder / "comparison" / "comparison.csv")
    np.testing.assert_array_equal(table["held_out"], found.table["held_out"])
    assert (folder / "comparison" / "comparison.png").read_bytes().startswith(b"\x89PNG")
    # The rows of the summary and of the test, each with its variants.
    (contrast,) = [
        line for line in result.output.splitlines() if line.split()[:2] == ["my_ladder", "rdm"]
    ]
    assert float(contrast.split()[-2]) == pytest.approx(found.test().loc[0, "p"], rel=1e-2)
    assert contrast.split()[2] == "2" and "held_out" in result.output
    assert "Wrote comparison/comparison.csv" in result.output


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["nonsense"], "`C` must be a curriculum or a task, got 'nonsense'"),
        (["rdm", "rdm"], "`C...` must be given once each, got rdm rdm"),
        (["rdm", "--set", "noise=0"], "`--set` must come with a task"),
        (["rdm", "go_no_go"], "`variants` must lead to one task"),
    ],
)
def test_mistakes_are_said_and_nothing_is_written(folder, args, message):
    result = call(*args)
    assert result.exit_code == 1
    assert message in result.output
    assert not (folder / "comparison").exists()
