"""What every curriculum of the library keeps, each found by itself, and how files are loaded."""

import ast
import dataclasses
import inspect
import re
import runpy
import subprocess
import sys

import pytest

import neurotask as nt
from neurotask import curriculum as words
from neurotask.curriculum import Curriculum
from neurotask.load import curriculum_library, library

LIBRARY = curriculum_library()


def hurried(stage):
    """Return a stage that any network passes at its first evaluation, made after one update."""
    return dataclasses.replace(
        stage, threshold=0.0, metric="accuracy", every=1, trials=32, passes=1
    )


def vocabulary(make):
    """Return what the settings of a curriculum are written in."""
    tasks = {kind.__name__: kind for kind in library().values()}
    public = {name: getattr(nt, name) for name in ("Derived", "Levels", "Uniform", "WithLevels")}
    return {**vars(words), **tasks, **public, **vars(inspect.getmodule(make))}


@pytest.mark.parametrize("name", LIBRARY)
def test_it_is_a_curriculum_that_prints_as_what_makes_it(name):
    made = nt.load_curriculum(name)
    assert isinstance(made, Curriculum) and made == LIBRARY[name]()
    assert eval(repr(made), vocabulary(LIBRARY[name])) == made
    assert len(set(made.names)) == len(made.stages)


@pytest.mark.parametrize("name", LIBRARY)
def test_its_channels_are_those_of_all_its_tasks(name):
    made = nt.load_curriculum(name)
    assert set(made.inputs) == {channel for task in made.tasks for channel in task.inputs}
    assert set(made.outputs) == {channel for task in made.tasks for channel in task.outputs}
    assert (made.goal.inputs, made.goal.outputs) == made.channels


@pytest.mark.parametrize("name", LIBRARY)
def test_an_observer_passes_its_stages(name):
    for stage in nt.load_curriculum(name).stages:
        for task in stage.tasks if stage.threshold else ():
            trials = task.trials(500, seed=1)
            seen = task.behavior(trials, task.observer(trials))["correct"].mean()
            assert seen >= stage.threshold


@pytest.mark.parametrize("name", LIBRARY)
def test_a_network_is_trained_on_all_its_stages(name):
    made = nt.load_curriculum(name)
    short = Curriculum([hurried(stage) for stage in made.stages])
    model = nt.RateRNN.for_task(made, units=4, seed=0)
    model.compile("adam", rule="bptt")
    model.fit(short, updates=100, batch_size=8, seed=0, verbose=0)
    log = short.log
    assert log["event"].iloc[-1] == "end"
    assert sorted(set(log["stage"])) == list(range(len(made.stages)))


@pytest.mark.parametrize("name", LIBRARY)
def test_it_says_what_it_shapes_its_source_and_its_settings(name):
    make = LIBRARY[name]
    text = ast.get_docstring(ast.parse(inspect.getsource(inspect.getmodule(make))))
    assert re.search(r"\((1[89]|20)\d\d\)", text[text.index("\nSource: ") :])
    assert "\nSeen: " in text
    for setting, one in inspect.signature(make).parameters.items():
        assert f"    {setting}: " in make.__doc__, setting
        assert one.default is not one.empty, setting


@pytest.mark.parametrize("name", LIBRARY)
def test_its_file_says_something_when_it_is_run(name, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runpy.run_path(inspect.getsourcefile(LIBRARY[name]), run_name="__main__")
    assert capsys.readouterr().out.startswith("Curriculum(")


def test_curricula_need_no_tensorflow():
    code = (
        "import sys, neurotask as nt; from neurotask.load import curriculum_library as c; "
        "[nt.load_curriculum(name).goal.trials(2) for name in c()]; "
        "sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_the_command_lists_them_without_tensorflow():
    command = [sys.executable, "-X", "importtime", "-m", "neurotask", "curricula"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0 and "tensorflow" not in done.stderr
    lines = done.stdout.splitlines()
    assert lines[::2] == list(LIBRARY)
    for name, about in zip(lines[::2], lines[1::2], strict=True):
        assert about.strip() == inspect.getmodule(LIBRARY[name]).__doc__.partition("\n")[0]


# --- another task --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "task", "settings", "goal"),
    [
        ("coherence_ladder", "context_dependent_decision", {}, {"coherences": (0.1,)}),
        ("delay_ladder", "memory_guided_response", {}, {}),
        ("delay_ladder", "serial_recall", {"setting": "delay_time", "rehearsal": 0.0}, {}),
        ("interval_ladder", "interval_discrimination", {"settings": ("first", "second")}, {}),
    ],
)
def test_it_shapes_another_task(name, task, settings, goal):
    task = nt.load(task)
    made = nt.load_curriculum(name, task=task, **settings)
    assert made.goal == task.replace(**goal)
    assert {type(one) for one in made.tasks} == {type(task)}


@pytest.mark.parametrize("name", sorted(set(LIBRARY) - {"learning_progress_rules"}))
def test_a_task_that_it_cannot_shape_is_refused(name):
    with pytest.raises((TypeError, ValueError), match="must be"):
        nt.load_curriculum(name, task=nt.load("n_back"))


# --- by name and from files ----------------------------------------------------------------------

OWN = '''"""Two steps."""
from neurotask.curriculum import Curriculum
from neurotask.tasks.go_no_go import GoNoGo

def curriculum(*, noise=0.4):
    return Curriculum([GoNoGo(), GoNoGo(noise=noise)])
'''


def test_a_file_of_ones_own_is_loaded(tmp_path):
    file = tmp_path / "their.py"
    file.write_text(OWN)
    assert nt.load_curriculum(file, noise=0.6).names == ("noise 0.2", "noise 0.6")
    assert nt.load_curriculum(str(file)) == nt.load_curriculum(file)


def test_a_file_of_the_library_has_one_name():
    file = inspect.getsourcefile(LIBRARY["fixation_to_free_choice"])
    one = nt.load_curriculum(file)
    assert one == nt.load_curriculum("Fixation to free choice")
    assert type(one.stages[0].task).__module__ == "neurotask.curricula.fixation_to_free_choice"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must define a function `curriculum`, got none. Write `def curriculum()"),
        ("curriculum = 3", "must define a function `curriculum`, got 3."),
        ("def curriculum(): return [1]", r"must return a Curriculum, got \[1\]. End it with"),
        ("def curriculum(:", "must be valid Python, got a syntax error in line 1"),
    ],
)
def test_a_file_without_a_curriculum_is_refused(text, message, tmp_path):
    file = tmp_path / "their.py"
    file.write_text(text)
    with pytest.raises(ValueError, match=message):
        nt.load_curriculum(file)


def test_what_there_is_not_is_refused():
    message = r"got 'coherence_lader'. Did you mean \"coherence_ladder\"\? The library has "
    with pytest.raises(ValueError, match=message):
        nt.load_curriculum("coherence_lader")
    message = "`curriculum` must be the path of a Python file, but there is no gone.py"
    with pytest.raises(ValueError, match=message):
        nt.load_curriculum("gone.py")


def test_an_unknown_setting_is_refused():
    message = "`cohrences` must be a setting of coherence_ladder, which has .*Did you mean"
    with pytest.raises(TypeError, match=message):
        nt.load_curriculum("coherence_ladder", cohrences=(0.1,))
