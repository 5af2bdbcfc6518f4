"""The report: one self-contained page that says what the data say, and no more."""

import re
import subprocess
import sys
from dataclasses import dataclass
from html.parser import HTMLParser

import matplotlib as mpl
import matplotlib.figure
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import xarray as xr

import neurotask as nt
from neurotask import _report_figures as figures
from neurotask import _report_numbers as numbers
from neurotask._report_behavior import Behavior
from neurotask.data import roitman_shadlen_2002
from neurotask.report import report
from neurotask.runs import train
from neurotask.session import session as make_session
from neurotask.tasks.perceptual_discrimination import PerceptualDiscrimination

HISTORY = pd.DataFrame({"updates": [50, 100], "loss": [0.2, 0.05], "accuracy": [0.5, 0.9]})


@dataclass(frozen=True, kw_only=True)
class Contrast(nt.Task):
    """Two choices over something that is no coherence."""

    inputs = ("u",)
    outputs = ("low", "high")
    decision_rule = nt.Argmax("answer")
    psychometric_axis = "contrast"
    levels: tuple[float, ...] = (-8.0, -4.0, -2.0, 2.0, 4.0, 8.0)
    answer: nt.Duration = 100.0

    def factors(self):
        return dict(contrast=self.levels)

    def build(self, t):
        t.input("u", t.conditions.contrast, phase="answer")
        t.target_choice(t.conditions.contrast, phase="answer")


@dataclass(frozen=True, kw_only=True)
class Bare(nt.Task):
    """Neither axis nor decision rule."""

    inputs = ("u",)
    outputs = ("z",)
    answer: nt.Duration = 100.0

    def build(self, t):
        t.input("u", 1.0, phase="answer")
        t.target("z", 1.0, phase="answer")


class Page(HTMLParser):
    """The elements of a page."""

    def __init__(self, html):
        super().__init__()
        self.elements = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def all(self, tag):
        return [attrs for name, attrs in self.elements if name == tag]


def settings(**changes):
    training = {
        "rule": "BPTT(clip_norm=1.0)",
        "updates_asked": 100,
        "updates_done": 100,
        "batch_size": 128,
        "seconds": 75.2,
    }
    return {
        "status": "finished",
        "task": {"name": "my_task", "class": "MyTask", "summary": "Look, <b>then</b> act & rest.",
                 "settings": {"coherences": [0.1, 0.5]}},
        "model": {"class": "RateRNN", "recurrent": "Connectivity(" + "1, " * 500 + ")"},
        "training": training,
        "optimizer": {"class": "Adam"},
        "evaluation": {"n_trials": 10},
        "versions": {"python": "3.11.7"},
        "sources": {"my_task.py": "0f" * 32},
    } | changes  # fmt: skip


def weights(n=10, cell_type="EEEEEEEEII", dale=True):
    rng = np.random.default_rng(0)
    kind = np.array(list(cell_type)) if cell_type else np.full(n, "")
    sign = np.where(kind == "I", -1.0, 1.0) if dale else rng.choice([-1.0, 1.0], n)
    unit = {"cell_type": ("unit", kind), "area": ("unit", np.full(n, ""))}
    source = {f"source_{name}": ("source", values) for name, (_, values) in unit.items()}
    recurrent = np.abs(rng.standard_normal((n, n))) * sign
    output = rng.standard_normal((2, n))
    return {
        "recurrent": xr.DataArray(recurrent, dims=("unit", "source"), coords=unit | source),
        "output": xr.DataArray(
            output, dims=("output", "unit"), coords=unit | {"output": ["left", "right"]}
        ),
    }


def observed(task, repeats=60, sigma=0.08, gain=1.0):
    """A Session in which an observer answers by the axis plus noise."""
    trials = task.grid(repeats=repeats, seed=1)
    rng = np.random.default_rng(2)
    outputs = np.zeros(trials.targets.shape)
    if task.psychometric_axis is not None:
        evidence = gain * trials.columns[task.psychometric_axis] + sigma * rng.standard_normal(
            len(trials)
        )
        outputs[..., -1] = evidence[:, None]
    ramp = np.outer(np.linspace(0, 1, trials.targets.shape[1]), rng.standard_normal(10))
    rates = ramp * (1 + outputs[:, :1, -1:])
    kind = np.array(list("EEEEEEEEII"))
    return make_session(trials, outputs, {"rates": rates}, kind, np.full(10, ""))


@pytest.fixture(scope="module")
def motion():
    return observed(PerceptualDiscrimination())


@pytest.fixture(scope="module")
def page(motion):
    return report(settings(), HISTORY, motion, weights()).html


def test_nothing_false_is_said_of_a_network_that_chose_its_time(motion, undrawn):
    timed = motion.assign_coords(rt=("trial", np.full(motion.sizes["trial"], 500.0)))
    html = report(settings(), HISTORY, timed, weights()).html
    assert "when to stop looking. Roitman" in html and "fixed time" not in html


@pytest.fixture
def undrawn(monkeypatch):
    """Leave the figures out, for tests that read the words."""
    blank = figures.Drawing(b"<svg/>", b"")
    monkeypatch.setattr(figures, "drawn", lambda *_: blank)


# --- the page -----------------------------------------------------------------------------------


def test_page_needs_nothing_but_itself(page):
    elements = Page(page)
    assert not elements.all("script")
    assert not re.search(r"https?://|@import|url\(", page)
    for image in elements.all("img"):
        assert image["src"].startswith("data:image/svg+xml;base64,")
    for link in elements.all("link"):
        assert link["href"] == "data:,"


def test_figures_are_numbered_in_order_and_have_words_for_who_cannot_see(page):
    numbers_ = [int(n) for n in re.findall(r"<b>Figure (\d)", page)]
    alts = [image["alt"] for image in Page(page).all("img")]
    assert numbers_ == [1, 2, 3, 4, 5]
    assert alts[0].startswith("Psychometric function: P(right) goes from 0")
    assert alts[2] == (
        "The loss goes from 0.2 to 0.05, correct answers from 50.0\u202f% to 90.0\u202f%, over 100 "
        "updates."
    )
    assert len(set(alts)) == 5


def test_headline_is_computed_from_the_session(page, motion):
    correct = motion["correct"].to_numpy()
    correct = correct[~np.isnan(correct)]
    fit = nt.analysis.psychometric(motion)
    low, high = 100 * fit.interval()["threshold"]
    values = re.findall(r'class="value">([^<]*)<', page)
    assert values == [
        f"{100 * correct.mean():.1f}\u202f%",
        f"{100 * fit.threshold:.1f}\u202f%",
        numbers.percent(fit.bias),
    ]
    assert f"of {len(correct)} trials in which an answer is right; 50.0\u202f% by always" in page
    assert f"interval {low:.1f} to {high:.1f}\u202f%" in page


def test_monkeys_stand_beside_the_network_with_their_difference(page):
    assert "Accuracy, beside two monkeys." in page
    assert re.search(r"animal decided when to stop\s+looking", page)
    assert "for a fixed time (800 ms)" in page
    assert "2\u202f183" in page and "8.2\u202f%" in page  # trials and threshold of monkey 1


def test_lead_says_what_was_trained(page):
    assert (
        "A recurrent network (RateRNN) of 10 units, 8 excitatory and 2 inhibitory, learned by BPTT "
        "in 100 updates of 128 trials: 12\u202f800 trials in 1\u202fmin 15\u202fs. It was then "
        "tested on 660 fresh trials."
    ) in page


def test_words_of_users_are_escaped_and_long_ones_cut(page):
    assert "Look, &lt;b&gt;then&lt;/b&gt; act &amp; rest." in page
    assert "\u2026 (in full in run.toml)" in page
    assert len(page) < 1e6


def test_files_are_the_page_and_each_figure_as_svg_and_png(motion):
    made = report(settings(), HISTORY, motion, weights())
    names = ["psychometric", "accuracy", "learning", "population", "weights"]
    kinds = [f"figures/{name}.{kind}" for name in names for kind in ("svg", "png")]
    assert list(made.files()) == [*kinds, "report.html"]
    assert made.files()["figures/weights.png"].startswith(b"\x89PNG")
    assert b"<svg" in made.files()["figures/weights.svg"]


def test_report_is_a_function_of_its_data_and_changes_no_style(motion, page):
    before = dict(mpl.rcParams)
    assert report(settings(), HISTORY, motion, weights()).html == page
    assert dict(mpl.rcParams) == before
    assert not plt.get_fignums()


# --- what does not apply is left out --------------------------------------------------------------


def headings(html):
    return re.findall(r"<h2>([^<]*)</h2>", html)


def test_other_axes_are_not_compared_with_monkeys():
    html = report(settings(), HISTORY, observed(Contrast(), sigma=3.0), weights()).html
    assert "monkey" not in html.lower()
    assert "Share of answers \u201chigh\u201d over contrast" in html
    assert re.search(r'class="value">\d\.\d+<', html)  # a threshold without per cent


def test_bare_task_has_learning_and_connectivity_alone():
    history = HISTORY.drop(columns="accuracy")
    html = report(settings(), history, observed(Bare()), weights()).html
    assert headings(html) == ["Learning", "Connectivity", "Settings and versions"]
    assert 'class="headline"' not in html


def test_untested_run_says_how_it_ended(undrawn):
    ended = settings(status="interrupted")
    ended["training"] |= {"updates_done": 40}
    html = report(ended, HISTORY, None, weights()).html
    assert headings(html) == ["Learning", "Connectivity", "Settings and versions"]
    assert "This training was interrupted after 40 of 100 updates." in html
    assert "fresh trials" not in html


def test_run_without_a_segment_has_no_learning_curve(undrawn):
    html = report(settings(), HISTORY.iloc[:0], None, weights()).html
    assert headings(html) == ["Connectivity", "Settings and versions"]


def test_too_few_levels_are_said_and_not_fitted(undrawn):
    session = observed(PerceptualDiscrimination(coherences=(0.512,)))
    html = report(settings(), HISTORY, session, weights()).html
    assert "No psychometric function is drawn: `coherence` must have at least 3 levels" in html
    assert "Threshold" not in html


def test_chance_behaviour_has_an_undetermined_threshold(undrawn):
    session = observed(PerceptualDiscrimination(), gain=0.0)
    html = report(settings(), HISTORY, session, weights()).html
    assert 'class="value">undetermined<' in html
    assert "does not rise with coherence" in html


def test_silent_network_has_no_trajectories(undrawn, motion):
    session = motion.assign(rates=0 * motion["rates"])
    html = report(settings(), HISTORY, session, weights()).html
    assert "No trajectories are drawn: `of` must be activity that varies" in html
    without = report(settings(), HISTORY, motion.drop_vars("rates"), weights()).html
    assert "Population activity" not in headings(without)


def test_unanswered_trials_are_counted(undrawn, motion):
    outcome = motion["outcome"].copy()
    outcome[:66] = "broken_fixation"
    html = report(settings(), HISTORY, motion.assign_coords(outcome=outcome), weights()).html
    assert "10.0\u202f% of all trials without a valid answer" in html


# --- weights --------------------------------------------------------------------------------------


def test_units_are_sorted_by_type_then_by_what_they_drive():
    kernels = weights(cell_type="IEEIEEEEEE")
    order = figures.unit_order(kernels["recurrent"], kernels["output"])
    drive = (kernels["output"][1] - kernels["output"][0]).to_numpy()[order]
    kinds = kernels["recurrent"]["cell_type"].to_numpy()[order]
    assert "".join(kinds) == "EEEEEEEEII"
    assert (np.diff(drive[:8]) > 0).all() and drive[8] < drive[9]


def test_dales_law_is_checked_and_not_assumed(undrawn):
    def caption(kernels):
        return report(settings(), HISTORY, None, kernels).html

    assert "Dale\u2019s law holds: each column has one sign." in caption(weights())
    broken = weights()
    broken["recurrent"][3, 4] = -1.0
    assert "Dale\u2019s law is broken by 1 of 100 weights." in caption(broken)
    assert "Dale" not in caption(weights(cell_type="", dale=False))


def test_silent_synapses_are_counted(undrawn):
    kernels = weights()
    kernels["recurrent"][:2, :] = 0.0
    html = report(settings(), HISTORY, None, kernels).html
    assert "20.0\u202f% of the synapses are silent (weight 0)." in html
    assert "have no synapse" not in html


def test_what_is_absent_is_not_silent(undrawn):
    kernels, exists = weights(), np.ones((10, 10), bool)
    kernels["recurrent"][:3, :] = 0.0
    exists[:2] = False
    kernels["recurrent"] = kernels["recurrent"].assign_coords(exists=(("unit", "source"), exists))
    html = report(settings(), HISTORY, None, kernels).html
    wanted = "20.0\u202f% of the pairs have no synapse. 12.5\u202f% of the synapses are silent"
    assert wanted in html


def test_gated_networks_have_a_matrix_for_each_gate():
    model = nt.LSTM.for_task(nt.load("rdm"), units=6, seed=0)
    figure = mpl.figure.Figure()
    figures.weights(figure, model.effective_weights())
    titles = [ax.get_title() for ax in figure.axes[:4]]
    assert titles == [f"{gate} gate" for gate in ("input", "forget", "cell", "output")]
    whole = report(settings(), HISTORY, None, model.effective_weights())
    assert whole.files()["figures/weights.png"].startswith(b"\x89PNG")


# --- numbers and data -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shown", "wanted"),
    [
        (numbers.percent(-0.0123), "\u22121.2\u202f%"),
        (numbers.percent(-0.0001), "0.0\u202f%"),
        (numbers.amount(np.nan, True), "undetermined"),
        (numbers.amount(-2.5, False), "\u22122.5"),
        (numbers.interval(0.01, 0.02, True), "1.0 to 2.0\u202f%"),
        (numbers.interval(np.nan, 0.02, True), "undetermined"),
        (numbers.enumerated(["a"]), "a"),
        (numbers.enumerated(["a", "b", "c"]), "a, b and c"),
        (numbers.duration(0.04), "0.0\u202fs"),
        (numbers.duration(7262), "2\u202fh 1\u202fmin"),
        (numbers.duration(3602), "1\u202fh 0\u202fmin"),
        (numbers.duration(60), "1\u202fmin 0\u202fs"),
        (numbers.whole(1234567), "1\u202f234\u202f567"),
    ],
)
def test_numbers_in_words(shown, wanted):
    assert shown == wanted


def test_chance_is_the_best_constant_answer():
    session = observed(Contrast(levels=(-1.0, 1.0, 2.0, 3.0)), repeats=10)
    assert Behavior(session).chance == pytest.approx(0.75)


def test_monkeys_counts_are_whole():
    table = roitman_shadlen_2002()
    assert table.groupby("monkey")["n_trials"].sum().to_dict() == {1: 2615, 2: 3534}
    assert table.groupby("monkey")["n_correct"].sum().to_dict() == {1: 2088, 2: 2889}
    for _, monkey in table.groupby("monkey"):
        assert monkey["coherence"].tolist() == [0.0, 0.032, 0.064, 0.128, 0.256, 0.512]
        assert (monkey["n_correct"] / monkey["n_trials"]).is_monotonic_increasing
        assert monkey["mean_rt_correct_ms"].is_monotonic_decreasing
    assert (table["n_correct"] <= table["n_trials"]).all()


def test_reports_and_runs_are_read_without_tensorflow():
    code = (
        "import sys, neurotask.report, neurotask.runs; "
        "print({'tensorflow', 'keras', 'matplotlib.backends.backend_tkagg'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_the_report_of_a_block_task_counts_its_trials(tmp_path):
    out = tmp_path / "run"
    task = nt.load("n_back", trials_per_block=5)
    model = nt.RateRNN.for_task(task, units=4, seed=0)
    model.compile()
    run = train(model, task, out=out, updates=2, batch_size=3, seed=0)
    n = run.session.sizes["block"] * 5
    assert run.settings["evaluation"]["n_trials"] == n
    text = (out / "report.html").read_text("utf-8")
    assert "2 updates of 3 blocks of 5 trials: 30 trials in" in text
    assert f"tested on {n:,}".replace(",", "\u202f") in text


def test_an_axis_of_names_is_drawn_by_category():
    task = nt.load("n_back", trials_per_block=10)
    trials = task.trials(40, seed=0)
    dataset = make_session(trials, task.observer(trials), {}, np.array([], str), np.array([], str))
    found = Behavior(nt.by_trial(dataset))
    assert set(found.categories.index) == {"lure", "match", "new"}
    assert (found.categories["n_correct"] == found.categories["n_trials"]).all()
    assert found.categories["n_trials"].sum() == np.isfinite(dataset["correct"]).sum()
    assert found.signed is None and found.notes == []
    figure = mpl.figure.Figure()
    figures.categories(figure, found.categories, "Kind")
    assert [tick.get_text() for tick in figure.axes[0].get_yticklabels()] == [
        "lure",
        "match",
        "new",
    ]
    assert figure.axes[0].get_xlabel() == "Correct (%)"
