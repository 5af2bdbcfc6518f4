"""The README does what it says."""

import re
from pathlib import Path

import pytest

import neurotask as nt

README = (Path(__file__).parents[1] / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
EXAMPLE, READING, CONSTRAINED, SHAPED, CUSTOM = BLOCKS


def code_lines(text):
    return [line for line in text.splitlines() if line.strip()]


def test_the_examples_are_short():
    assert len(code_lines(EXAMPLE)) <= 20
    assert len(code_lines(CONSTRAINED)) <= 20
    assert len(code_lines(SHAPED)) <= 20
    assert len(code_lines(CUSTOM)) < 30


def test_the_example_runs_and_is_read(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(EXAMPLE.replace("seed=0)\n\nsession", "seed=0, verbose=0)\n\nsession"), names)
    made = {path.name for path in tmp_path.iterdir()}
    assert made == {"psychometric.png", "trajectories.png", "network.keras"}
    assert abs(names["fit"].bias) < 0.1 and 0.0 < names["fit"].threshold < 0.2
    assert names["history"].history["updates"][-1] == 500
    capsys.readouterr()
    exec(READING, names)
    said = capsys.readouterr().out
    for words in ("<Accuracy: ", "threshold", "<Decoding of choice", "<FixedPoints", "<Lesions"):
        assert words in said


def test_the_constrained_network_runs(task):
    names = {"nt": nt, "task": task}
    exec(CONSTRAINED, names)
    session, model = names["session"], names["model"]
    on = (session["time"] >= session["phase_start"].sel(phase="stimulus")) & (
        session["time"] < session["phase_stop"].sel(phase="stimulus")
    )
    silenced = session["rates"].sel(unit=session["area"] == "PFC").where(on)
    assert float(silenced.max()) == 0.0
    recurrent = model.effective_weights()["recurrent"].values
    assert not recurrent[40:, 32:40].any()  # PPC.I->PFC
    assert ((recurrent[40:, :32] > 0).sum(1) == 3).all()  # a tenth of 32


def test_the_curriculum_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = {"nt": nt, "task": nt.load("rdm")}
    exec(SHAPED.replace("seeds=10,", "seeds=2, processes=1, verbose=0,"), names)
    log, table = names["run"].log, names["comparison"].table
    assert log["event"].tolist().count("advance") == 2 and log["event"].iloc[-1] == "end"
    assert table["variant"].tolist() == ["ladder"] * 2 + ["hard alone"] * 2
    assert table["reached"].all()
    assert (tmp_path / "ladder.png").stat().st_size > 0


def test_the_custom_task_learns(tmp_path):
    path = tmp_path / "my_task.py"
    path.write_text(CUSTOM)
    task = nt.load(path)
    model = nt.RateRNN.for_task(task, units=40, seed=0)
    model.compile()
    loss = model.fit(task, updates=100, batch_size=64, verbose=0).history["loss"]
    assert loss[-1] < loss[0]
    table = task.behavior(*(lambda trials: (trials, trials.targets))(task.trials(200)))
    assert (table["correct"] == 1).all()


@pytest.mark.parametrize("target", re.findall(r'(?:\]\(|src=")((?!http)[^)"]+)', README))
def test_links_lead_somewhere(target):
    assert (Path(__file__).parents[1] / target).exists()
