"""Tasks and curricula as plain data, and back."""

import json
from pathlib import Path

import numpy as np
import pytest

import neurotask as nt
from neurotask import Curriculum, Stage
from neurotask._written import Unwritable, Writer, read
from neurotask.load import library

BARE = '''
from dataclasses import dataclass

import neurotask as nt


@dataclass(frozen=True, kw_only=True)
class Blink(nt.Task):
    """Follow the light."""

    inputs = ("light",)
    outputs = ("eye",)
    levels: tuple[float, ...] = (0.5, 1.0)
    look: nt.Duration = nt.Uniform(100.0, 200.0)

    def factors(self):
        return dict(level=self.levels)

    def build(self, t):
        t.input("light", t.conditions.level, phase="look")
        t.target("eye", t.conditions.level, phase="look")


def bright(evaluation):
    return float(evaluation.outputs.mean())
'''


def again(value, folder=Path()):
    """Return a value written as JSON and read from it, its files in a folder."""
    writer = Writer()
    text = json.dumps(writer.write(value))
    for name, content in writer.files.items():
        (folder / name).write_bytes(content)
    return read(json.loads(text), folder)


@pytest.mark.parametrize("name", library())
def test_tasks_come_back(name):
    task = library()[name]()
    assert again(task) == task


def test_curricula_come_back():
    dots = nt.load("rdm", noise=np.float64(0.1))
    faint = nt.WithLevels(dots, levels={"coherence": (-0.1, 0.1)})
    stages = [
        dots,
        Stage([dots, faint], weights=(1, 2), threshold=None, limit=7),
        nt.load("go_no_go"),
    ]
    curriculum = Curriculum(stages, target=Stage(dots, metric="loss", threshold=0.01))
    assert again(curriculum) == curriculum


def test_bare_files_go_along(tmp_path):
    for folder, noise in (("a", "1.0"), ("b", "0.25")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "blink.py").write_text(BARE.replace("1.0)", f"{noise})"))
    first, second = (nt.load(tmp_path / folder / "blink.py") for folder in "ab")
    (tmp_path / "sources").mkdir()
    back = again((first, second), tmp_path / "sources")
    assert [task.levels for task in back] == [(0.5, 1.0), (0.5, 0.25)]
    assert {file.name for file in (tmp_path / "sources").glob("*.py")} == {"blink.py", "blink_2.py"}
    assert back[0].trials(3, seed=1).inputs.tolist() == first.trials(3, seed=1).inputs.tolist()


def test_functions_of_bare_files_go_along(tmp_path):
    (tmp_path / "blink.py").write_text(BARE)
    module = nt.load.__globals__["module"](tmp_path / "blink.py")
    (tmp_path / "sources").mkdir()
    stage = again(Stage(module.Blink(), metric=module.bright, threshold=0.5), tmp_path / "sources")
    assert stage.metric.__name__ == "bright" and stage.metric is not module.bright


def test_what_has_no_file_is_refused():
    def local(evaluation):
        return 1.0

    with pytest.raises(Unwritable, match="local is defined in a notebook or a script"):
        Writer().write(local)
    with pytest.raises(Unwritable, match="is no setting that a file can hold"):
        Writer().write(np.random.default_rng(0))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            {"__settings__": {}, "__named__": "neurotask.task:Tsk"},
            "`Tsk` must be defined in neurotask",
        ),
        ({"__settings__": {}, "__named__": "no_such_lab:Task"}, "`no_such_lab` must be installed"),
        ({"__settings__": {}, "__named__": "os:getcwd"}, "`os:getcwd` must be a class of settings"),
    ],
)
def test_what_is_not_there_is_said(data, message):
    with pytest.raises(ValueError, match=message):
        read(data, Path())
