"""The command line: what it makes, and what it says to a mistake."""

import dataclasses
import io
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import keras
import pytest
from rich.console import Console
from typer.testing import CliRunner

import neurotask as nt
from neurotask import cli, runs
from neurotask._cli_rules import listed_rules, rule_text
from neurotask._progress import ShowProgress
from neurotask.backend import rules
from neurotask.backend.importing import import_all
from neurotask.load import library

SMALL = ["--units", "6", "--batch-size", "4"]
BARE = '''
from dataclasses import dataclass

import neurotask as nt


@dataclass(frozen=True, kw_only=True)
class Blink(nt.Task):
    """Follow the light."""

    inputs = ("light",)
    outputs = ("eye",)
    level: float = 1.0
    mood: str = "calm"
    look: nt.Duration = 100.0

    def build(self, t):
        t.input("light", self.level, phase="look")
        t.target("eye", self.level, phase="look")
'''


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Work in an empty folder, in which relative paths and defaults lie."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def call():
    """Call the command line; 80 columns, no terminal."""
    runner = CliRunner()
    return lambda *args: runner.invoke(cli.app, [str(arg) for arg in args])


@pytest.fixture
def bare(folder):
    (folder / "blink.py").write_text(BARE, encoding="utf-8")
    return "./blink.py"


def python(*args):
    """Run Python on the package in a process of its own."""
    where = str(Path(nt.__file__).parents[1])
    return subprocess.run(
        [sys.executable, *args],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": where},
        check=False,
    )


# --- tasks ----------------------------------------------------------------------------------------


def test_tasks_are_listed_by_function_without_tensorflow():
    done = python("-X", "importtime", "-m", "neurotask", "tasks")
    lines = done.stdout.splitlines()
    assert done.returncode == 0
    at = lines.index("  perceptual_discrimination  (PerceptualDiscrimination)")
    assert [line for line in lines[:at] if line[:1].strip()][-1] == "perceptual decision"
    assert lines[at + 1].startswith("    Discrimination of the direction of random-dot")
    assert lines[at + 2].startswith("    also: rdm, ")
    assert "neurotask.cli" in done.stderr
    assert "tensorflow" not in done.stderr and "keras" not in done.stderr


def test_mistake_is_one_line_without_traceback():
    done = python("-m", "neurotask", "show", "perceptual_discriminatoin")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(
        "Error: `task` must be a task of the library or the path of a .py file, got "
        "'perceptual_discriminatoin'. Did you mean \"perceptual_discrimination\"? The library has "
    )
    assert done.stderr.count("\n") == 1


# --- rules ----------------------------------------------------------------------------------------


def test_rules_are_listed_without_tensorflow():
    done = python("-X", "importtime", "-m", "neurotask", "rules")
    lines = done.stdout.splitlines()
    assert done.returncode == 0
    at = lines.index("rtrl")
    assert lines[at + 1].startswith("    Real-time recurrent learning: the gradient of BPTT")
    assert lines[at + 2] == "    time N² N M; memory N² M; causal; not local; feedback any"
    assert "tensorflow" not in done.stderr and "keras" not in done.stderr


def test_the_list_of_rules_is_that_of_their_classes():
    import_all(rules)
    kinds = {
        name: kind
        for name, kind in rules.named().items()
        if kind.__module__.startswith("neurotask.")
    }
    listed = {rule.name: rule for rule in listed_rules()}
    assert list(listed) == list(kinds)
    for name, kind in kinds.items():
        assert kind.price is not None and kind.__doc__
        given = dataclasses.asdict(listed[name])
        assert given.pop("name") == name
        assert given.pop("summary") == kind.__doc__.splitlines()[0] != ""
        assert given == dataclasses.asdict(kind.price)


def test_a_rule_is_shown_with_its_settings(call):
    result = call("rules", "RTRL")
    assert result.exit_code == 0
    assert result.stdout.startswith("Real-time recurrent learning: the gradient of BPTT without")
    assert "\n  credit = Influence()\n      which past a synapse remembers.\n" in result.stdout
    assert "\n  when = 'trial'\n      \"trial\": the weights change after each" in result.stdout
    for name, kind in rules.named().items():
        shown = [line.split(" = ")[0] for line in rule_text(kind).splitlines() if " = " in line]
        assert all(f"  {one.name}" in shown for one in dataclasses.fields(kind)), name


def test_unknown_rule_is_refused_with_the_nearest(call):
    result = call("rules", "rfol")
    assert result.exit_code == 1
    assert result.stderr.startswith('Error: `RULE` must be one of "bptt", ')
    assert result.stderr.endswith("got 'rfol'. Did you mean \"rflo\"?\n")


# --- show -----------------------------------------------------------------------------------------


def test_show_draws_a_trial_into_a_file(call, folder):
    result = call("show", "rdm")
    assert (result.exit_code, result.stdout) == (0, "Wrote perceptual_discrimination.png\n")
    assert (folder / "perceptual_discrimination.png").read_bytes().startswith(b"\x89PNG")


def test_show_takes_settings_and_conditions(call, folder):
    args = ["show", "rdm", "--set", "coherence=0.25", "--set", "stimulus=400", "--out", "a.svg"]
    assert call(*args).exit_code == 0
    text = (folder / "a.svg").read_text(encoding="utf-8")
    assert "coherence = 0.25" in text  # the title, as matplotlib notes it beside its glyphs
    assert call(*args[:-1], "b.svg", "--seed", "1").exit_code == 0
    assert (folder / "b.svg").read_text(encoding="utf-8") != text


def test_show_takes_a_bare_file(call, bare, folder):
    assert call("show", bare, "--set", "level=0.5").exit_code == 0
    assert (folder / "blink.png").exists()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--set", "coherance=0.1"], "`coherance` must be a setting or a factor of Perceptual"),
        (["--set", "coherance=0.1"], 'Did you mean "coherence"?'),
        (["--set", "coherence"], "`--set` must be NAME=VALUE, got 'coherence'. Write --set name"),
        (["--set", "coherence=2"], "`coherence` must be a number in [-1, 1], got 2"),
        (["--set", "stimulus=401"], "`stimulus` must be"),
        (["--set", "stimulus=__import__('os').abort()"], "`stimulus` must be"),
        (["--out", "a.doc"], '`--out` must be one of "eps"'),
        (["--out", "deep/a.png"], "`--out` must be in a folder that exists, but deep is none."),
    ],
)
def test_show_says_what_is_wrong_and_writes_nothing(call, folder, args, message):
    result = call("show", "rdm", *args)
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ") and message in result.stderr
    assert not list(folder.iterdir())


# --- copy -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "file"), [(["rdm"], "perceptual_discrimination.py"), (["rdm", "mine.py"], "mine.py")]
)
def test_copy_gives_a_file_that_is_a_task(call, folder, args, file):
    result = call("copy", *args)
    assert (result.exit_code, result.stdout) == (0, f"Wrote {file}\n")
    kind = type(nt.load("rdm"))
    assert (folder / file).read_bytes() == Path(sys.modules[kind.__module__].__file__).read_bytes()
    assert call("show", f"./{file}").exit_code == 0


def test_every_task_of_the_library_can_be_copied(call, folder):
    for name in library():
        assert call("copy", name).exit_code == 0
        assert nt.load(folder / f"{name}.py").trials(2).inputs.any()


def test_copy_takes_a_bare_file_and_overwrites_nothing(call, bare, folder):
    assert call("copy", bare, "other.py").exit_code == 0
    assert (folder / "other.py").read_text(encoding="utf-8") == BARE
    result = call("copy", bare)
    assert result.exit_code == 1
    assert result.stderr == (
        "Error: `FILE` must be a new file, but blink.py exists. Give another name: neurotask copy "
        "./blink.py my_blink.py.\n"
    )
    assert (folder / "blink.py").read_text(encoding="utf-8") == BARE


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["rmd"], "`task` must be a task of the library or the path of a .py file, got 'rmd'."),
        (["rdm", "a.txt"], "`FILE` must end in .py, got 'a.txt'. Name it so."),
        (["rdm", "deep/a.py"], "`FILE` must be in a folder that exists, but deep is none."),
    ],
)
def test_copy_says_what_is_wrong_and_writes_nothing(call, folder, args, message):
    result = call("copy", *args)
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: " + message)
    assert not list(folder.iterdir())


@pytest.mark.parametrize(
    ("args", "name"),
    [
        (["tasks", "--gallery", "f/x"], "--gallery"),
        (["train", "rdm", "--out", "f/x/y"], "--out"),
        (["copy", "rdm", "f/x.py"], "FILE"),
    ],
)
def test_places_under_a_file_are_refused(call, folder, args, name):
    (folder / "f").write_text("kept", encoding="utf-8")
    result = call(*args)
    assert result.exit_code == 1
    wanted = f"Error: `{name}` must be in a folder, but f is a file. Choose another place.\n"
    assert result.stderr == wanted
    assert [path.name for path in folder.iterdir()] == ["f"]


@pytest.mark.parametrize("args", [["tasks", "--gallery"], ["train", "rdm", "--out"]])
def test_what_the_disk_refuses_is_said_by_its_own_name(call, folder, args):
    name = "a" * 300
    result = call(*args, name)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: `{name}` must be a path that can be read or written, ")
    assert "File name too long. Choose another." in result.stderr
    assert not list(folder.iterdir())


# --- train ----------------------------------------------------------------------------------------


def test_train_and_report(call, folder):
    options = ["--dale", "0.5", "--updates", "3", "--noise", "0.1", "--tau", "50", "--seed", "7"]
    settings = ["--set", "coherences=0.1,0.2,0.5", "--set", "stimulus=200"]
    result = call(
        "train", "rdm", *SMALL, *options, *settings, "--learning-rate", "0.01", "--out", "a/b"
    )
    assert result.exit_code == 0, result.output
    assert result.stderr == _line_of(folder / "a/b")
    out = result.stdout.splitlines()
    assert out[0].startswith("Correct: ") and out[0].endswith("% of 1002 fresh trials")
    assert out[1:] == ["Run folder: a/b", "Report: a/b/report.html"]
    kept = tomllib.loads((folder / "a/b/run.toml").read_text(encoding="utf-8"))
    assert kept["task"]["settings"]["coherences"] == [0.1, 0.2, 0.5]
    assert kept["task"]["settings"]["stimulus"] == 200
    assert kept["model"]["units"] == "Units(n=6, excitatory=0.5, tau=None)"
    wanted = {"noise": 0.1, "tau": 50.0, "seed": 7}
    assert {name: kept["model"][name] for name in wanted} == wanted
    assert kept["training"]["updates_done"] == 3 and kept["training"]["batch_size"] == 4
    assert kept["optimizer"]["learning_rate"] == 0.01

    page = (folder / "a/b/report.html").read_bytes()
    shutil.rmtree(folder / "a/b/figures")
    (folder / "a/b/report.html").unlink()
    again = call("report", "a/b")
    assert (again.exit_code, again.stdout) == (0, "Wrote a/b/report.html\n")
    assert (folder / "a/b/report.html").read_bytes() == page
    assert (folder / "a/b/figures/psychometric.svg").exists()


def test_a_rule_is_trained_by_and_reported(call, folder):
    options = ["--rule", "rflo", "--feedback", "kolen_pollack", "--when", "5"]
    result = call("train", "rdm", *SMALL, *options, "--updates", "1", "--out", "r")
    assert result.exit_code == 0, result.output
    wanted = repr(nt.rules.RFLO(feedback="kolen_pollack", when=5))
    assert runs.load_run(folder / "r").settings["training"]["rule"] == wanted
    assert wanted in (folder / "r/report.html").read_text(encoding="utf-8")


def test_gated_networks_train_and_report(call, folder):
    result = call("train", "rdm", *SMALL, "--model", "gru", "--updates", "1", "--out", "g")
    assert result.exit_code == 0, result.output
    run = runs.load_run(folder / "g")
    assert run.settings["model"]["class"] == "GRU"
    assert run.weights["recurrent"].dims == ("gate", "unit", "source")


def _line_of(run):
    """The line of progress that a run of one segment writes."""
    row = runs.load_run(run).history.iloc[0]
    return f"    3 / 3 updates  loss {row['loss']:.4f}  accuracy {row['accuracy']:6.1%}\n"


def test_bare_file_trains_into_a_folder_of_its_name(call, bare, folder):
    result = call("train", bare, *SMALL, "--updates", "1", "--set", "mood=wild")
    assert result.exit_code == 0, result.output
    run = runs.load_run("runs/blink")
    assert run.settings["task"]["summary"] == "Follow the light."
    assert run.settings["task"]["settings"]["mood"] == "wild"
    assert (run.path / "sources/blink.py").read_text(encoding="utf-8") == BARE
    assert run.session is not None and "correct" not in run.session.coords
    assert "Correct" not in result.stdout

    refused = call("train", "blink.py:Blink", *SMALL, "--updates", "1")
    assert refused.exit_code == 1
    assert refused.stderr == (
        "Error: `--out` must be a new folder, but runs/blink exists. Choose another or remove it.\n"
    )


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["rdn"], 1, 'Did you mean "rdm"?'),
        (["rdm", "--out", "."], 1, "`--out` must be a new folder, but . exists."),
        (["rdm", "--set", "units=5"], 1, "`units` must be a setting of PerceptualDiscrimination"),
        (["rdm", "--set", "coherences=0.5"], 1, "`coherences` must be a tuple of strengths"),
        (["rdm", "--rule", "bpt"], 1, "got 'bpt'. Did you mean \"bptt\"?"),
        (["rdm", "--rule", "rflo", "--feedback", "randon"], 1, 'Did you mean "random"?'),
        (["rdm", "--rule", "rflo", "--when", "0"], 1, "`--when` must be trial or a number of"),
        (
            ["rdm", "--when", "1"],
            1,
            "`--when` must be left out with bptt, which takes none, got '1'",
        ),
        (
            ["rdm", "--rule", "force", "--feedback", "random"],
            1,
            "`--feedback` must be left out with force, which takes none, got 'random'. Its settings "
            'are "credit", "error", "update", "when", "carry".',
        ),
        (["rdm", "--tau", "0"], 1, "`tau` must be a number above 0, got 0"),
        (["rdm", "--tau", "5"], 1, "`dt` must be at most tau = 5 ms, got 20 ms"),
        (["rdm", "--learning-rate", "-1"], 1, "`--learning-rate` must be a number above 0, got -1"),
        (["rdm", "--learning-rate", "nan"], 1, "`--learning-rate` must be a number above 0"),
        (["rdm", "--model", "ltsm"], 1, "got 'ltsm'. Did you mean \"lstm\"?"),
        (
            ["rdm", "--model", "lstm", "--tau", "50"],
            1,
            "`LSTM` must be given arguments that it has",
        ),
        (["rdm", "--model", "gru", "--dale", "0.8"], 1, "`units` must have no types in GRU"),
        (["rdm", "--noise", "-1"], 2, "Invalid value for '--noise'"),
        (["rdm", "--dale", "0.001"], 1, "must leave a unit of each type in the network"),
        (["rdm", "--dale", "80"], 2, "Invalid value for '--dale'"),
        (["rdm", "--updates", "0"], 2, "Invalid value for '--updates'"),
        (["rdm", "--units", "many"], 2, "Invalid value for '--units'"),
        (["rdm", "--unit", "5"], 2, "No such option: --unit"),
        ([], 1, "`TASK` must be given, or a curriculum: --curriculum NAME."),
    ],
)
def test_train_says_what_is_wrong_and_writes_nothing(call, folder, args, code, message):
    result = call("train", *args)
    assert result.exit_code == code
    assert message in result.stderr
    assert "Traceback" not in result.output
    assert not list(folder.iterdir())


def test_file_that_is_no_task_is_refused(call, folder):
    (folder / "a.py").write_text("x = 1\n", encoding="utf-8")
    result = call("train", "a.py")
    assert result.exit_code == 1
    assert "must define one task, got nothing. Define a subclass of neurotask.Task" in result.stderr


def test_error_in_the_code_of_a_task_names_its_line(call, folder):
    code = BARE.replace("t.input(", "import numpy; numpy.ones(2) + numpy.ones(3); t.input(")
    (folder / "a.py").write_text(code, encoding="utf-8")
    result = call("show", "a.py")
    assert result.exit_code == 1
    line = 1 + code[: code.index("import numpy; numpy.ones")].count("\n")
    start = f"Error: {folder / 'a.py'}, line {line}: ValueError: operands could not be broadcast"
    assert result.stderr.startswith(start)


def test_a_missing_import_of_a_task_file_is_said(call, folder):
    (folder / "a.py").write_text("import no_such_module\n", encoding="utf-8")
    result = call("train", "a.py")
    assert result.exit_code == 1
    assert "a.py, line 1: ModuleNotFoundError: No module named 'no_such_module'" in result.stderr


def test_divergence_is_said_with_where_the_network_is(call, folder):
    result = call("train", "rdm", *SMALL, "--updates", "9", "--learning-rate", "1e30", "--out", "a")
    assert result.exit_code == 1
    assert "Error: `loss` and gradient must be finite, got a loss of" in result.stderr
    assert "What was learned in 1 update is in a.\n" in result.stderr
    assert runs.load_run("a").settings["status"] == "diverged"


def test_interrupt_is_said_with_where_the_network_is(call, monkeypatch):
    def interrupted(*_, **__):
        error = KeyboardInterrupt()
        error.add_note("What was learned in 5 updates is in runs/a.")
        raise error

    monkeypatch.setattr(runs, "train", interrupted)
    result = call("train", "rdm")
    assert result.exit_code == 130
    assert result.stderr == "Interrupted.\nWhat was learned in 5 updates is in runs/a.\n"


def test_report_refuses_what_is_no_run(call):
    result = call("report", "nowhere")
    assert result.exit_code == 1
    assert result.stderr == "Error: `run` must be a run folder, but there is no nowhere.\n"


# --- progress and TensorFlow's log ----------------------------------------------------------------


def test_progress_on_a_terminal_is_a_bar_that_counts_all_segments():
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=100)
    model = nt.RateRNN.for_task(nt.load("rdm"), units=4)
    model.compile(keras.optimizers.Adam())
    model.fit(nt.load("rdm"), updates=1, batch_size=4, verbose=0)  # counts from here all the same
    with ShowProgress(4, console) as progress:
        watcher = keras.callbacks.LambdaCallback(**progress.hooks)
        plan = {"updates": 4, "segment": 2, "batch_size": 4}
        model.fit(nt.load("rdm"), **plan, verbose=0, callbacks=[watcher])
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", screen.getvalue())
    last = [line for line in re.split(r"[\r\n]+", text) if "updates" in line][-1]
    assert "4 / 4 updates" in last
    assert "loss 0." in last and "accuracy" in last


def test_log_of_tensorflow_is_hidden_unless_the_import_fails(capfd):
    with cli._quiet():
        os.write(2, b"noise\n")
    os.write(2, b"seen\n")
    assert capfd.readouterr().err == "seen\n"
    with pytest.raises(ImportError), cli._quiet():
        os.write(2, b"the reason\n")
        raise ImportError
    assert capfd.readouterr().err == "the reason\n"
