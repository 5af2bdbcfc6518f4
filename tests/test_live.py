"""What is seen of a training while it goes: the same numbers, rarely drawn, and nothing left open."""

import base64
import io
import sys
from types import SimpleNamespace

import keras
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from rich.console import Console

import neurotask as nt
from neurotask._live import (
    LARGEST_SHARE,
    SHORTEST_WAIT,
    Live,
    NotebookView,
    TextView,
    notebook_display,
)
from neurotask._progress import ShowProgress, evaluation_told
from neurotask.backend import watching
from neurotask.backend.watching import LiveCallback
from neurotask.curriculum.course import Course, PlainCourse
from neurotask.curriculum.log import as_table
from neurotask.tasks.perceptual_discrimination import PerceptualDiscrimination

NAMES = ("easy", "<hard> & last")


def row(update, stage=0, **changes):
    return {
        "update": update,
        "stage": stage,
        "name": NAMES[stage],
        "lesson": "",
        "level": np.nan,
        "metric": "accuracy",
        "value": 0.87,
        "threshold": 0.9,
        "passed": False,
        "event": "",
        "loss": 0.02,
        "trials": 8 * update,
        "tested": 16,
    } | changes


class Display:
    """Takes the place of IPython's `display`; drawing a figure takes `cost` seconds of its clock."""

    def __init__(self, cost=0.0):
        self.time, self.cost, self.shown, self.drawn_at = 0.0, cost, [], []

    def clock(self):
        return self.time

    def __call__(self, data, *, raw, display_id, metadata=None):
        assert raw and display_id is True
        place = len(self.shown)
        self.shown.append([data])
        return SimpleNamespace(update=lambda data, **_: self._replace(place, data))

    def _replace(self, place, data):
        if "image/png" in data:
            self.drawn_at.append(self.time)
            self.time += self.cost
        self.shown[place].append(data)

    @property
    def line(self):
        return self.shown[0][-1]["text/plain"]


def notebook(cost=0.0):
    display = Display(cost)
    return display, Live(NotebookView(display, display.clock))


def text(live_or_progress, width=200, terminal=False):
    file = io.StringIO()
    return file, live_or_progress(Console(file=file, width=width, force_terminal=terminal))


# --- the words ----------------------------------------------------------------------------------


def test_an_evaluation_is_told_with_stage_threshold_and_event():
    log = as_table([row(50), row(100, value=0.91, passed=True, event="advance")])
    assert evaluation_told(log, NAMES) == "stage 1/2 easy  accuracy 0.91 of 0.9  advance"


def test_level_lesson_and_target_are_told():
    own = row(50, 1, level=0.125, lesson="motion", threshold=np.nan)
    target = row(50, 1, name="target", value=0.5, threshold=0.8)
    wanted = (
        "stage 2/2 <hard> & last  level 0.125  motion  accuracy 0.87  target accuracy 0.5 of 0.8"
    )
    assert evaluation_told(as_table([own, target]), NAMES) == wanted


def test_a_target_is_told_at_its_own_update_alone():
    log = as_table([row(50, name="target"), row(60)])
    assert "target" not in evaluation_told(log, NAMES)


def test_nothing_is_told_of_an_empty_log():
    assert evaluation_told(as_table([]), NAMES) == ""


# --- text ---------------------------------------------------------------------------------------


def test_a_file_gets_a_line_a_segment():
    file, view = text(TextView)
    live = Live(view)
    live.begin(5000, NAMES)
    live.move(20, {"loss": 0.5})
    live.show(50, {"loss": 0.021, "accuracy": 0.5}, as_table([row(50, 1)]))
    live.end()
    wanted = "   50 / 5000 updates  stage 2/2 <hard> & last  accuracy 0.87 of 0.9  loss 0.0210\n"
    assert file.getvalue() == wanted


def test_a_long_line_stays_one():
    file, view = text(TextView, width=30)
    live = Live(view)
    live.begin(5000, NAMES)
    live.show(50, {"loss": 0.021}, as_table([row(50, 1)]))
    assert file.getvalue().count("\n") == 1


def test_a_terminal_gets_a_bar_and_the_stage_above_it():
    file, view = text(TextView, terminal=True)
    live = Live(view)
    live.begin(1200, NAMES, done=1000)
    live.show(1100, {"loss": 0.021}, as_table([row(1100, 1)]))
    live.end()
    shown = file.getvalue()
    assert " 1000 / 1200 updates" in shown and " 1100 / 1200 updates" in shown
    assert "stage 2/2 <hard> & last  accuracy 0.87 of 0.9" in shown
    assert shown.rstrip().endswith("\x1b[?25h")  # the cursor is back


def test_callbacks_that_see_numbers_alone_are_told_the_stage():
    file, progress = text(lambda console: ShowProgress(100, console, NAMES))
    with progress:
        progress.on_epoch_begin(0)
        progress.on_train_batch_end(49, {"loss": 0.5})
        progress.on_epoch_end(0, {"loss": 0.5, "stage": 0.0, "evaluation": 0.75})
        progress.on_epoch_begin(1)
        progress.on_train_batch_end(9, {"loss": 0.5})
        progress.on_epoch_end(1, {"loss": 0.5, "stage": 1.0, "evaluation": np.nan})
    assert file.getvalue() == (
        "   50 / 100 updates  stage 1/2 easy  evaluation 0.75  loss 0.5000\n"
        "   60 / 100 updates  stage 2/2 <hard> & last  loss 0.5000\n"
    )


# --- a notebook ---------------------------------------------------------------------------------


def test_a_notebook_gets_two_outputs_however_long_the_training():
    display, live = notebook()
    live.begin(1000, NAMES)
    for k in range(1, 21):
        display.time += 1.0
        live.move(50 * k - 25, {"loss": 0.1})
        live.show(50 * k, {"loss": 0.1}, as_table([row(50 * (i + 1)) for i in range(k)]))
    live.end()
    assert len(display.shown) == 2
    pictures = [data["image/png"] for data in display.shown[1]]
    assert all(base64.b64decode(picture).startswith(b"\x89PNG") for picture in pictures)
    assert len(set(pictures)) == len(pictures)
    assert not plt.get_fignums()


def test_line_tells_update_stage_and_time_left_and_is_escaped():
    display, live = notebook()
    live.begin(300, NAMES, done=100)
    display.time = 30.0
    live.show(150, {"loss": 0.021}, as_table([row(150, 1)]))
    wanted = (
        "update 150 / 300 \u00b7 stage 2/2 <hard> & last \u00b7 accuracy 0.87 of 0.9 \u00b7 loss "
        "0.021 \u00b7 at most 1\u202fmin 30\u202fs left"
    )
    assert display.line == wanted
    html = display.shown[0][-1]["text/html"]
    assert "&lt;hard&gt; &amp; last" in html and 'value="150" max="300"' in html
    live.end()
    assert display.line.endswith("ended after 30\u202fs")


def test_a_figure_is_drawn_at_most_twice_a_second():
    display, live = notebook()
    live.begin(10_000)
    for k in range(1, 101):
        display.time += 0.04
        live.show(k, {"loss": 1 / k})
    assert np.diff(display.drawn_at).min() >= SHORTEST_WAIT
    assert len(display.drawn_at) == 8  # in four seconds
    assert len(display.shown[0]) == 9


def test_slow_figures_take_a_small_share_of_the_time():
    display, live = notebook(cost=1.0)
    live.begin(10_000)
    for k in range(1, 1001):
        display.time += 0.1
        live.show(k, {"loss": 1 / k})
    n = len(display.drawn_at)
    assert n > 3
    assert (n - 1) / (display.drawn_at[-1] - display.drawn_at[0]) <= LARGEST_SHARE + 1e-9


def test_the_last_figure_is_that_of_the_end_and_is_drawn_once():
    display, live = notebook(cost=1.0)
    live.begin(100)
    live.show(50, {"loss": 0.5})
    live.show(100, {"loss": 0.1})
    assert len(display.drawn_at) == 1
    live.end()
    n_lines = len(display.shown[0])
    live.end()
    assert len(display.drawn_at) == 2 and len(display.shown[0]) == n_lines


def test_no_style_and_no_backend_is_changed():
    before, backend = dict(mpl.rcParams), mpl.get_backend()
    _, live = notebook()
    live.begin(100, NAMES)
    live.show(50, {"loss": 0.5}, as_table([row(50)]))
    live.end()
    assert dict(mpl.rcParams) == before and mpl.get_backend() == backend


def test_only_a_kernel_is_a_notebook(monkeypatch):
    shell = SimpleNamespace()
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert notebook_display() is None and "IPython" not in sys.modules
    ipython = SimpleNamespace(get_ipython=lambda: shell)
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display="display"))
    assert notebook_display() is None  # IPython on a terminal
    shell.kernel = "kernel"
    assert notebook_display() == "display"


# --- training -----------------------------------------------------------------------------------


class Notes:
    """A view that writes down what it is told."""

    def __init__(self):
        self.told = []

    def begin(self, updates, names, done):
        self.told.append(("begin", updates, names, done))

    def move(self, update, logs):
        self.told.append(("move", update))

    def show(self, update, logs, log):
        self.told.append(("show", update, logs["updates"], len(log)))

    def end(self):
        self.told.append(("end",))


@pytest.fixture(scope="module")
def model():
    task = PerceptualDiscrimination(coherences=(0.5,), stimulus=100.0, fixation=100.0)
    network = nt.RateRNN.for_task(task, units=4, seed=0)
    network.compile(optimizer=keras.optimizers.SGD(1e-4))
    return network, task


def test_callback_tells_updates_from_the_first_and_the_log(model):
    network, task = model
    seen = Notes()
    stage = nt.Stage(task, threshold=1.0, every=7, trials=4)
    curriculum = nt.Curriculum([stage])
    course = Course(curriculum, 4, 0, curriculum.channels)
    first = int(network.updates.numpy())
    network.trainer.fit(course, 10, 4, 0, [LiveCallback(course, 10, Live(seen))], 0)
    assert seen.told == [
        ("begin", first + 10, curriculum.names, first),
        ("move", first + 5),
        ("move", first + 7),
        ("show", first + 7, first + 7, 1),
        ("move", first + 10),
        ("show", first + 10, first + 10, 1),
        ("end",),
    ]


def test_callback_of_a_task_has_neither_names_nor_log(model):
    network, task = model
    seen, course = Notes(), PlainCourse(task, 5)
    first = int(network.updates.numpy())
    network.trainer.fit(course, 5, 4, 0, [LiveCallback(course, 5, Live(seen))], 0)
    assert seen.told[0] == ("begin", first + 5, (), first)
    assert seen.told[2] == ("show", first + 5, first + 5, 0)


def test_a_training_that_is_cut_short_ends_its_view(model, monkeypatch):
    network, task = model

    def stop(epoch, logs=None):
        raise KeyboardInterrupt

    seen = Notes()
    monkeypatch.setattr(watching, "Live", lambda: Live(seen))
    stopper = keras.callbacks.LambdaCallback(on_epoch_end=stop)
    with pytest.raises(KeyboardInterrupt):
        network.fit(task, updates=10, segment=5, batch_size=4, callbacks=[stopper], live=True)
    assert seen.told[0][0] == "begin" and seen.told[-1] == ("end",)


def test_fit_shows_text_where_there_is_no_notebook(model, capsys):
    network, task = model
    first = int(network.updates.numpy())
    network.fit(task, updates=10, segment=5, batch_size=4, seed=0, live=True)
    lines = capsys.readouterr().err.splitlines()
    wanted = [f"{first + done:>5} / {first + 10} updates" for done in (5, 10)]
    assert [line.split("  loss")[0] for line in lines] == wanted


def test_what_is_seen_does_not_change_what_is_learned():
    def learned(live):
        task = PerceptualDiscrimination(coherences=(0.5,), stimulus=100.0)
        network = nt.RateRNN.for_task(task, units=4, seed=0)
        network.compile()
        ladder = nt.Curriculum([task], threshold=1.0, every=5, trials=8)
        network.fit(ladder, updates=10, batch_size=4, seed=0, verbose=0, live=live)
        return network.effective_weights()["recurrent"].to_numpy()

    assert (learned(True) == learned(False)).all()
