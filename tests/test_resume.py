"""Runs that were killed, cut short, or met a full disk: they go on as if nothing had happened."""

import multiprocessing
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import keras
import numpy as np
import pytest

import neurotask as nt
from neurotask import _run_files, runs
from neurotask._streams import Stream
from neurotask.load import module
from neurotask.tasks.perceptual_discrimination import PerceptualDiscrimination

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT))  # `benchmarks` is no part of the package

from benchmarks.resume import arrays, differences, killed_runs  # noqa: E402

TASK = PerceptualDiscrimination(
    coherences=(0.25, 0.5), fixation=60.0, stimulus=120.0, decision=140.0
)
UPDATES = 12


def network(task=TASK, optimizer="adam", rule="bptt", kind=nt.RateRNN, **settings):
    units = nt.Units(8, excitatory=0.75)
    model = kind.for_task(task, units=units, noise=0.05, seed=3, **settings)
    model.compile(optimizer, rule=rule)
    return model


def ladder(**settings):
    stage = {"threshold": None, "every": 3, "trials": 16}
    last = nt.Stage(TASK, rehearsal=0.3, optimizer="reset", **stage | settings)
    easy = nt.Stage(
        TASK.replace(coherences=(0.8,)), limit=6, on_limit="advance", learning_rate=0.004, **stage
    )
    return nt.Curriculum([easy, last])


def train(out, source=None, model=None, **changes):
    plan = {"updates": UPDATES, "batch_size": 8, "seed": 5, "checkpoint_updates": 3} | changes
    source = ladder() if source is None else source
    return runs.train(network() if model is None else model, source, out=out, **plan)


class At(keras.callbacks.Callback):
    """Does something when so many updates are made, at the end of an execution or a segment."""

    def __init__(self, updates, act, moment="on_train_batch_end"):
        super().__init__()

        def hook(*_, **__):
            if int(self.model.updates.numpy()) == updates:
                act()

        setattr(self, moment, hook)


class Broken(Exception):
    pass


def fail():
    raise Broken("a callback of a user")


def contents(folder):
    files = [file for file in folder.rglob("*") if file.is_file() and file.name != ".lock"]
    return {file.relative_to(folder): file.read_bytes() for file in files}


@pytest.fixture
def quick_end(monkeypatch):
    """No evaluation and no report at the end, where they are not what is tested."""
    monkeypatch.setattr(runs, "_evaluate", lambda *_: None)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run on the ladder that nobody interrupted."""
    return train(tmp_path_factory.mktemp("whole") / "run").path


@pytest.fixture(scope="module")
def stopped_once(tmp_path_factory):
    """The same run, stopped in its last segment but one."""
    folder = tmp_path_factory.mktemp("stopped") / "run"
    with pytest.raises(Broken):
        train(folder, callbacks=[At(9, fail)])
    return folder


@pytest.fixture
def stopped(stopped_once, tmp_path):
    """A copy of it of one's own: 6 of 12 updates are made."""
    shutil.copytree(stopped_once, tmp_path / "run")
    return tmp_path / "run"


def differs(whole, other):
    """Return what differs of two runs, but for names: Keras counts the networks of a process."""
    names = ("checkpoint.keras:config.json", "network.keras:config.json", "run.toml")
    return [name for name in differences(whole, other) if name not in names]


# --- killed -------------------------------------------------------------------------------------


def test_runs_that_are_killed_end_as_if_they_had_not_been(tmp_path):
    fates = list(killed_runs(tmp_path, 5, seed=1, at_once=2, again=0.25))
    assert [fate.different for fate in fates] == [[]] * 5
    assert sum(len(fate.after) for fate in fates) >= 5
    # The comparison can fail: a network that was not trained to the end is another.
    runs_of = sorted(tmp_path.glob("run*"))
    state = arrays(runs_of[0] / "checkpoint.keras")
    assert len([name for name in state if "optimizer" in name]) > 10
    assert len([name for name in state if "rule_state" in name]) > 5


def test_control_c_leaves_a_checkpoint_and_is_raised_again(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        # Where the tests run in the background, their children would ignore it.
        "import signal\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "import neurotask as nt\n"
        "task = nt.load('rdm', fixation=60.0, stimulus=120.0, decision=140.0)\n"
        "model = nt.RateRNN.for_task(task, units=8, noise=0.05, seed=3)\n"
        "model.compile()\n"
        "model.fit(task, updates=1_000_000, batch_size=8, segment=3, verbose=0, run='run')\n"
    )
    process = subprocess.Popen(
        [sys.executable, "script.py"], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    history = tmp_path / "run" / "history.csv"
    while not history.exists() or history.read_bytes().count(b"\n") < 5:
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate()
    assert process.returncode != 0 and "KeyboardInterrupt" in said
    run = nt.load_run(tmp_path / "run")
    done = run.settings["training"]["updates_done"]
    assert f"What was learned in {done} updates is in run." in said
    assert run.status == "interrupted" and done >= 12 and run.history["updates"].iloc[-1] == done
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "_evaluate", lambda *_: None)
        went_on = run.resume(updates=done + 6, verbose=0)
    task = nt.load("rdm", fixation=60.0, stimulus=120.0, decision=140.0)
    model = nt.RateRNN.for_task(task, units=8, noise=0.05, seed=3)
    model.compile()
    model.fit(task, updates=done + 6, batch_size=8, segment=3, verbose=0)
    for one, two in zip(went_on.model.get_weights(), model.get_weights(), strict=True):
        assert np.array_equal(one, two)


# --- stopped by mistakes ------------------------------------------------------------------------


def test_a_callback_that_fails_leaves_a_run_that_goes_on(whole, stopped):
    run = nt.load_run(stopped)
    assert run.status == "failed" and run.session is None
    assert run.settings["message"] == "Broken: a callback of a user"
    assert run.log["update"].tolist() == run.history["updates"].tolist() == [3, 6]
    run = run.resume(verbose=0)
    assert run.status == "finished" and "message" not in run.settings
    assert differs(whole, stopped) == []
    assert list(run.sessions) == [0, 6]


def test_a_metric_that_is_nan_leaves_a_run_that_goes_on(tmp_path, quick_end):
    scores = iter([0.5, np.nan])

    def moody(evaluation):
        return next(scores, 0.5)

    with pytest.raises(ValueError, match=r"`metric` must be a number, got NaN for moody of 16 tri"):
        train(tmp_path / "run", ladder(metric=moody))
    run = nt.load_run(tmp_path / "run")
    assert run.status == "failed" and run.settings["message"].startswith("ValueError: `metric`")
    assert run.history["updates"].tolist() == run.log["update"].tolist()
    done = run.settings["training"]["updates_done"]
    run.resume(source=ladder(metric=moody), verbose=0)
    assert done < UPDATES == nt.load_run(run.path).settings["training"]["updates_done"]


def test_a_run_that_diverged_is_refused(tmp_path):
    model = network(optimizer=keras.optimizers.SGD(1e30))
    with pytest.raises(FloatingPointError):
        train(tmp_path / "run", TASK, model)
    refused(tmp_path / "run", r"`run` must be one that did not diverge, but .* did and would again")
    refused(tmp_path / "run", r"Train anew in another folder\.", force=True)


@contextmanager
def files_of_at_most(size):
    """The system lets no file grow longer."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("room", [20_000, 300])
def test_a_full_disk_leaves_the_last_checkpoint(whole, tmp_path, room):
    # With 20 kB the logs still fit and the checkpoint does not; with 300 bytes nothing does.
    folder, limit = tmp_path / "run", files_of_at_most(room)
    with pytest.raises(OSError) as caught:
        try:
            train(folder, callbacks=[At(9, limit.__enter__)])
        finally:
            limit.__exit__(None, None, None)
    notes = " ".join(caught.value.__notes__)
    assert f"The run in {folder} ends with its last checkpoint" in notes
    assert nt.load_run(folder).status == "running"
    nt.load_run(folder).resume(verbose=0)
    assert differs(whole, folder) == []
    assert not list(folder.rglob(".*"))


# --- what is not whole, or not the same ---------------------------------------------------------


def refused(folder, message, error=ValueError, **settings):
    """Resume must fail, and touch nothing."""
    before = contents(folder)
    with pytest.raises(error, match=message):
        nt.load_run(folder).resume(verbose=0, **settings)
    assert contents(folder) == before


def test_a_checkpoint_that_is_cut_is_refused(stopped):
    path = stopped / "checkpoint.keras"
    os.truncate(path, path.stat().st_size - 1)
    refused(stopped, "`checkpoint.keras` must be whole, but .* is truncated or foreign")
    refused(stopped, "`checkpoint.keras` must be whole", force=True)
    path.unlink()
    refused(stopped, "`run` must hold a checkpoint.keras to go on from", FileNotFoundError)


@pytest.mark.parametrize("name", ["history.csv", "curriculum.csv"])
def test_a_log_that_is_shorter_than_at_the_checkpoint_is_refused(stopped, name):
    os.truncate(stopped / name, (stopped / name).stat().st_size - 1)
    refused(stopped, rf"`{name}` must hold the \d+ bytes that it had at the checkpoint, but")
    (stopped / name).unlink()
    refused(stopped, rf"`{name}` must hold the \d+ bytes that it had at the checkpoint, but")


def test_a_log_that_is_longer_is_cut(whole, stopped):
    for name in ("history.csv", "curriculum.csv"):
        with (stopped / name).open("ab") as file:
            file.write(b"9,0.3,0.5,0.0")  # of a segment whose checkpoint was not written any more
    (stopped / "stages" / "0000009.nc").write_bytes(b"half")
    (stopped / ".checkpoint-123.keras").write_bytes(b"half")
    (stopped / "stages" / ".0123abcd-0000009.nc").write_bytes(b"half")
    (stopped / ".ipynb_checkpoints").mkdir()
    (stopped / ".note").write_text("of the user")
    nt.load_run(stopped).resume(verbose=0)
    assert differs(whole, stopped) == []
    assert {file.name for file in stopped.rglob(".*")} == {".ipynb_checkpoints", ".note"}


def test_other_versions_and_machines_are_refused_unless_forced(stopped, monkeypatch, quick_end):
    from neurotask.backend import checkpoints

    monkeypatch.setattr(checkpoints, "processor", lambda: "abacus")
    refused(stopped, r"`run` must be resumed with what it was started with, processor .* \(here ab")
    run = nt.load_run(stopped).resume(force=True, verbose=0)
    assert run.status == "finished" and run.settings["training"]["updates_done"] == UPDATES


def test_changed_sources_are_refused_unless_forced(stopped, quick_end):
    file = stopped / "sources" / "perceptual_discrimination.py"
    file.write_text("raise RuntimeError('was run')")
    message = "`sources` must be those that the run was started with, but perceptual_discriminatio"
    refused(stopped, message)
    assert nt.load_run(stopped).resume(force=True, verbose=0).status == "finished"


def test_changed_code_of_the_library_is_refused(stopped, monkeypatch, quick_end):
    now = runs.sources_of

    def changed(*arguments):
        sources = now(*arguments)
        sources.files["perceptual_discrimination.py"] += b"# another line\n"
        return sources

    monkeypatch.setattr(runs, "sources_of", changed)
    refused(stopped, "`sources` must be those that .* but perceptual_discrimination.py has changed")


def test_another_source_is_refused(stopped, quick_end):
    refused(stopped, r"`source` must be what the run was started with, Curriculum\(", source=TASK)
    refused(stopped, "`source` must be what the run was started with", source=ladder(every=4))
    run = nt.load_run(stopped).resume(source=ladder(), verbose=0)
    assert run.status == "finished"


def test_fewer_updates_than_were_made_are_refused(stopped):
    refused(stopped, "`updates` must be the 6 that were made or more, got 5", updates=5)


# --- two at once --------------------------------------------------------------------------------


def _hold(folder, held, go):
    with _run_files.locked(folder):
        held.set()
        go.wait()


def test_two_processes_cannot_train_one_run(stopped):
    spawn = multiprocessing.get_context("spawn")
    held, go = spawn.Event(), spawn.Event()
    other = spawn.Process(target=_hold, args=(stopped, held, go))
    other.start()
    try:
        assert held.wait(60)
        refused(stopped, "`run` must not be trained by two processes, but another", RuntimeError)
    finally:
        go.set()
        other.join()
    with _run_files.locked(stopped):  # let go, also by one who dies
        pass
    assert not (stopped / ".lock").exists()


def test_a_lock_that_was_taken_away_is_no_lock(stopped, monkeypatch):
    import fcntl

    def too_late(*_):  # between opening and locking, the one who held it has ended
        (stopped / ".lock").unlink()
        (stopped / ".lock").touch()

    monkeypatch.setattr(fcntl, "flock", too_late)
    with pytest.raises(RuntimeError, match="must not be trained by two processes"):
        with _run_files.locked(stopped):
            pass


# --- longer, again, and to the end ---------------------------------------------------------------


def test_a_run_that_is_made_longer_equals_one_that_was_to_be(whole, tmp_path):
    train(tmp_path / "run", updates=9)
    run = nt.load_run(tmp_path / "run").resume(updates=UPDATES, verbose=0)
    assert differs(whole, run.path) == []
    assert run.settings["training"]["updates_asked"] == UPDATES


def test_a_run_that_has_ended_stays_as_it_is(whole):
    before = contents(whole)
    run = nt.load_run(whole).resume(verbose=0)
    assert contents(whole) == before and run.status == "finished"


def test_what_is_missing_of_the_end_is_made(whole, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(whole, folder)
    for name in ("session.nc", "report.html", "network.keras", "weights.nc"):
        (folder / name).unlink()
    nt.load_run(folder).resume(verbose=0)
    assert differs(whole, folder) == []
    assert (folder / "report.html").stat().st_size > 10_000


def test_a_run_under_way_says_so_and_shows_its_checkpoint(whole, tmp_path):
    folder, seen = tmp_path / "run", []
    shutil.copytree(whole, folder)

    def look():
        run = nt.load_run(folder)
        seen.append((run.status, run.settings["training"]["updates_asked"]))
        seen.append(int(run.model.updates.numpy()))
        raise Broken

    with pytest.raises(Broken):
        at = At(UPDATES + 6, look, "on_epoch_end")
        nt.load_run(folder).resume(updates=30, callbacks=[at], verbose=0)
    assert seen == [("running", 30), UPDATES + 3]
    with pytest.raises(Broken):  # nothing more is learned: all is as it was before
        nt.load_run(folder).resume(callbacks=[At(UPDATES + 6, fail, "on_epoch_end")], verbose=0)
    assert nt.load_run(folder).status == "failed"


def test_a_run_that_was_only_prepared_is_trained_from_its_start(whole, tmp_path):
    plan = {"updates": UPDATES, "batch_size": 8, "seed": 5, "checkpoint_updates": 3}
    runs.prepare(network(), ladder(), tmp_path / "run", **plan)
    run = nt.load_run(tmp_path / "run").resume(verbose=0)
    assert differs(whole, run.path) == []
    assert run.history["learning_rate"].tolist() == pytest.approx([0.004] * 4)


# --- code of one's own --------------------------------------------------------------------------

BARE_TASK = '''
"""A task in a file of its own."""
from dataclasses import dataclass
import neurotask as nt
from neurotask.tasks.perceptual_discrimination import PerceptualDiscrimination

@dataclass(frozen=True, kw_only=True)
class Mine(PerceptualDiscrimination):
    """Motion, shorter."""
    fixation: nt.Duration = 60.0
    stimulus: nt.Duration = 120.0
    decision: nt.Duration = 140.0
'''
BARE_MODEL = '''
"""A network with dynamics of its own, and a rule."""
from dataclasses import dataclass
import numpy as np
import neurotask as nt

@dataclass(frozen=True, kw_only=True)
class Sluggish(nt.Dynamics):
    tau: float = 100.0
    noise: float = 0.0
    state_variables = ("state",)
    time_constants = ("tau",)
    fixed = ("tau",)

    def vectors(self, units, dt):
        n = len(units)
        return {"tau": units.taus(self.tau), "bias": np.zeros(n), "initial_state": np.zeros(n)}

    def prepare(self, ops, weights, dt):
        return {**weights, "alpha": ops.array(dt / weights["tau"]), "gain": ops.array(1.0)}

    def step(self, ops, weights, state, rates, drive, noise):
        x = state["state"]
        new = x + weights["alpha"] * (rates @ weights["recurrent"] + drive - x)
        return {"state": new if noise is None else new + self.noise * noise}

    def rates(self, ops, state):
        return ops.tanh(state["state"])

    def noise_per_step(self, n_units):
        return n_units if self.noise > 0 else 0

class SluggishRNN(nt.RecurrentModel):
    dynamics_type = Sluggish

@dataclass(frozen=True)
class Halved(nt.rules.BPTT):
    """Gradients, halved."""
    def gradients(self, model, batch):
        loss, outputs, gradients = super().gradients(model, batch)
        return loss, outputs, [0.5 * gradient for gradient in gradients]
'''


def test_bare_files_go_along_and_are_found_by_a_fresh_process(tmp_path, quick_end):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "my_task.py").write_text(BARE_TASK)
    (elsewhere / "my_model.py").write_text(BARE_MODEL)
    mine = module(elsewhere / "my_model.py")
    task = nt.load(elsewhere / "my_task.py")

    def model():
        return network(task, rule=mine.Halved(), kind=mine.SluggishRNN)

    ended, plan = tmp_path / "ended", {"segment": 3, "checkpoint_updates": None}
    train(ended, task, model(), **plan)
    with pytest.raises(Broken):
        train(tmp_path / "run", task, model(), callbacks=[At(9, fail)], **plan)
    names = {file.name for file in (tmp_path / "run" / "sources").iterdir()}
    assert names == {"my_model.py", "my_task.py", "source.json"}
    shutil.rmtree(elsewhere)
    code = "import neurotask as nt; nt.load_run('run').resume(verbose=0)"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    one, two = (arrays(folder / "network.keras") for folder in (ended, tmp_path / "run"))
    names = sorted(one.keys() | two.keys())
    names.remove("config.json")  # numbers the networks of a process
    assert len(names) > 10 and all(np.array_equal(one[name], two[name]) for name in names)


@pytest.fixture
def notebook(monkeypatch):
    """What a notebook defines: a class of `__main__`, which no file holds."""
    main = ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", main)
    exec(BARE_TASK, main.__dict__)
    return main


def test_a_task_of_a_notebook_must_be_given_again(tmp_path, notebook, quick_end):
    task = notebook.Mine()
    plan = {"segment": 3, "checkpoint_updates": None}
    ended = train(tmp_path / "ended", task, network(task), **plan)
    assert ended.status == "finished"
    with pytest.raises(Broken):
        train(tmp_path / "run", task, network(task), callbacks=[At(9, fail)], **plan)
    refused(
        tmp_path / "run",
        r"`source` must be given, since .*run cannot hold it: it was defined in a notebook or a scr",
    )
    refused(
        tmp_path / "run", "`source` must be what the run was sta", source=notebook.Mine(dt=10.0)
    )
    run = nt.load_run(tmp_path / "run").resume(source=notebook.Mine(), verbose=0)
    assert run.status == "finished"
    for one, two in zip(run.model.get_weights(), ended.model.get_weights(), strict=True):
        assert np.array_equal(one, two)


# --- evaluation is no training --------------------------------------------------------------------


def test_evaluation_does_not_change_training():
    plain, watched = network(), network()
    plan = {"updates": UPDATES, "batch_size": 8, "seed": 5, "verbose": 0}
    one = plain.fit(TASK, segment=3, **plan).history
    stage = nt.Stage(TASK, threshold=None, every=3, trials=64)
    two = watched.fit(nt.Curriculum([stage], target=nt.Stage(TASK, threshold=1.0)), **plan).history
    assert one["loss"] == two["loss"] and one["updates"] == two["updates"]
    for x, y in zip(plain.trainer.variables, watched.trainer.variables, strict=True):
        assert np.array_equal(x.numpy(), y.numpy())
    assert len(two["evaluation"]) == 4


def test_no_trial_of_an_evaluation_is_trained_on_or_tested_elsewhere(monkeypatch):
    made = {}
    batch = PerceptualDiscrimination.batch

    def noted(task, n, *, seed, stream, index=0, **settings):
        trials = batch(task, n, seed=seed, stream=stream, index=index, **settings)
        made.setdefault(stream, []).extend(row.tobytes() for row in trials.inputs)
        return trials

    model = network()
    target = nt.Stage(TASK, threshold=1.0, every=2, trials=32)
    curriculum = nt.Curriculum([nt.Stage(TASK, threshold=None, every=3)], target=target)
    monkeypatch.setattr(PerceptualDiscrimination, "batch", noted)
    model.fit(curriculum, updates=UPDATES, batch_size=8, seed=5, verbose=0)
    model.evaluate(TASK, n=256, seed=5)
    assert set(made) == {Stream.TRAINING, Stream.LESSONS, Stream.EVALUATION}
    assert len(TASK.grid(repeats=64, seed=5)) == len(TASK.trials(256, seed=5)) == 256
    assert set(made) > {Stream.TRIALS, Stream.GRID}
    everything = [row for rows in made.values() for row in rows]
    assert len(made[Stream.LESSONS]) == 4 * 256 + 6 * 32
    assert len(set(everything)) == len(everything)
