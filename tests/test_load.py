"""Tasks by name and from bare files."""

import re
import subprocess
import sys

import pytest

import neurotask as nt
from neurotask.load import library, source_file, task_class, task_names
from neurotask.tasks.perceptual_discrimination import PerceptualDiscrimination

FILE = """
from dataclasses import dataclass
import neurotask as nt

@dataclass(frozen=True, kw_only=True)
class Mine(nt.Task):
    '''A task of mine.'''
    inputs, outputs = ("u",), ("z",)
    on: nt.Duration = 100.0
    level: float = 1.0

    def build(self, t):
        t.input("u", self.level, phase="on")
"""


@pytest.mark.parametrize("name", ["perceptual_discrimination", "PerceptualDiscrimination", "rdm"])
def test_by_every_name(name):
    assert nt.load(name, coherences=(0.5,)) == PerceptualDiscrimination(coherences=(0.5,))


def test_a_file_of_the_library_has_one_identity():
    path = source_file(nt.load("rdm"))
    assert task_class(path) is PerceptualDiscrimination


def test_a_bare_file(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(FILE)
    task = nt.load(path, level=2.0)
    assert task.trials(1).inputs.max() == 2.0
    assert type(nt.load(str(path))) is type(task)
    assert source_file(task) == path
    path.write_text(FILE.replace("level: float = 1.0", "level: float = 3.0"))
    assert nt.load(path).level == 3.0  # a changed file is read again


def test_one_of_several(tmp_path):
    path = tmp_path / "two.py"
    path.write_text(FILE + FILE[FILE.index("@dataclass") :].replace("Mine", "Other"))
    assert type(nt.load(f"{path}:Other")).__name__ == "Other"
    with pytest.raises(ValueError, match=r'must define one task, got "Mine", "Other". Choose with'):
        nt.load(path)
    with pytest.raises(ValueError, match=r'`Othr` must be a task of .* Did you mean "Other"'):
        nt.load(f"{path}:Othr")


def test_syntax_error(tmp_path):
    path = tmp_path / "wrong.py"
    path.write_text("x = 1\nclass Task(:\n")
    with pytest.raises(
        ValueError, match=r"must be valid Python, got a syntax error in line 2: 'class"
    ):
        nt.load(path)


def test_a_file_that_fails_is_not_kept(tmp_path):
    path = tmp_path / "fails.py"
    path.write_text("1 / 0")
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            nt.load(path)


def test_a_file_without_a_task(tmp_path):
    path = tmp_path / "empty.py"
    path.write_text("from neurotask.task import Task\n")
    with pytest.raises(ValueError, match=r"must define one task, got nothing. Define a subclass"):
        nt.load(path)


def test_unknown_names(tmp_path):
    with pytest.raises(ValueError, match=r'got \'perceptual_discriminaton\'. Did you mean "percep'):
        nt.load("perceptual_discriminaton")
    with pytest.raises(ValueError, match=r"but there is no .*nothing\.py"):
        nt.load(tmp_path / "nothing.py")


def test_a_task_made_in_a_session_has_no_file():
    from types import ModuleType

    module = ModuleType("typed_in")
    sys.modules["typed_in"] = module
    try:
        exec(FILE, vars(module))
        with pytest.raises(
            ValueError, match=r"`task` must be defined in a file, but Mine is defined"
        ):
            source_file(module.Mine())
    finally:
        del sys.modules["typed_in"]


def test_every_task_file_is_a_script(tmp_path):
    for task in library().values():
        path = source_file(task())
        subprocess.run([sys.executable, str(path)], cwd=tmp_path, check=True)
        assert list(tmp_path.glob("*.png"))


@pytest.mark.parametrize("name", ["ABBA", "N-back", "ready set go", "Go_No_Go", "dms"])
def test_names_as_people_write_them(name):
    assert nt.load(name) is not None


def test_no_two_tasks_share_a_name_however_it_is_written():
    plain = [
        {re.sub("[^a-z0-9]", "", name.lower()) for name in task_names(task)}
        for task in library().values()
    ]
    assert sum(map(len, plain)) == len(set.union(*plain))
