"""What a recording made into a Session may have wrong is said, and never analysed."""

import re
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr

from neurotask.analysis import (
    cka,
    cross_validated_pca,
    currents,
    decode,
    fixed_points,
    flow,
    jpca,
    lesions,
    line_attractor,
    pca,
    rdm,
    spectrum,
    task_variance,
    tdr,
    tidy,
    tuning,
    weight_structure,
)
from neurotask.interop.nwb import to_nwb

DT = 10.0
DIMS = ("trial", "time", "unit")


def recording(n_steps: int = 20) -> xr.Dataset:
    """40 trials, two sides, 4 units, and no phases."""
    side = np.tile([-1.0, 1.0], 20)
    rates = np.random.default_rng(0).normal(size=(40, n_steps, 4)) + side[:, None, None]
    coords = {"side": ("trial", side), "time": np.arange(n_steps) * DT}
    return xr.Dataset({"rates": (DIMS, rates)}, coords, {"dt": DT, "psychometric_axis": "side"})


def phased() -> xr.Dataset:
    """With a delay that lasts no time."""
    ends = np.ones((40, 1)) * [[0.0, 100.0, 100.0]], np.ones((40, 1)) * [[100.0, 100.0, 200.0]]
    return recording().assign_coords(
        phase=["stimulus", "delay", "decision"],
        phase_start=(("trial", "phase"), ends[0]),
        phase_stop=(("trial", "phase"), ends[1]),
    )


def with_value(value: float, at: Any) -> xr.Dataset:
    session = recording()
    session["rates"].to_numpy()[at] = value
    return session


ANALYSES = {
    "pca": pca,
    "cross_validated_pca": cross_validated_pca,
    "jpca": jpca,
    "tdr": lambda s: tdr(s, variables="side"),
    "decode": lambda s: decode(s, "side"),
    "tuning": lambda s: tuning(s, variables="side", n_permutations=9),
    "rdm": rdm,
    "cka": lambda s: cka(s, s),
    "task_variance": lambda s: task_variance({"a": s, "b": s}),
    "currents": lambda s: currents(s, np.eye(4)),
}

WRONG = {
    "infinite": (
        with_value(np.inf, (3, 2, 1)),
        "`of` must be finite, or NaN where there is no data, got 1 infinite values in 'rates', in "
        "1 unit, the first in trial 3, step 2, unit 1",
    ),
    "dead": (
        with_value(np.nan, (slice(None), slice(None), 2)),
        "`of` must have data of each unit, got NaN throughout in unit 2 of 'rates'. Drop what was "
        "not recorded: session.drop_isel(unit=[2])",
    ),
    "no unit": (recording().isel(unit=[]), "got 40 trials, 20 times, 0 units"),
    "no trial": (recording().isel(trial=[]), "got 0 trials, 20 times, 4 units"),
    "neurons": (
        recording().rename(unit="neuron", trial="trials"),
        'got (trials, time, neuron). Name them so: session.rename(trials="trial", neuron="unit")',
    ),
    "nothing": (recording().drop_vars("rates"), "got no variable. Record it"),
    "no time": (recording().drop_vars("time"), "`session` must have the coordinate `time`, in ms"),
    "falling": (
        recording().isel(time=slice(None, None, -1)),
        "`session` must have rising times, got 190 ms before 180 ms",
    ),
    "dates": (
        recording().assign_coords(time=np.arange(20).astype("datetime64[ms]")),
        "`session` must have times that are numbers, in ms, got datetime64",
    ),
    "seconds": (
        recording().assign_coords(time=np.arange(20) * 0.01),
        "got a trial of 0.2, in steps of 0.01, as of seconds: times are in ms; multiply by 1000",
    ),
    "long seconds": (
        recording(600).assign_coords(time=np.arange(600) * 0.01),
        "got 0.01 ms apart and dt 10 ms. Correct the one that is wrong, as "
        "session.assign_attrs(dt=...). If they are in s, times are in ms; multiply by 1000",
    ),
    "another dt": (
        recording().assign_attrs(dt=7.0),
        'must have times that its attribute "dt" divides, got 10 ms apart and dt 7 ms',
    ),
}


@pytest.mark.parametrize("analysis", ANALYSES)
@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_no_session_is_refused_alike_by_all(analysis, wrong):
    session, message = WRONG[wrong]
    with pytest.raises((ValueError, TypeError), match=re.escape(message)):
        ANALYSES[analysis](session)


def test_short_trials_in_ms_and_units_that_miss_some_trials_are_fine():
    pca(recording(4).assign_coords(time=np.arange(4.0)).assign_attrs(dt=1.0), n_components=1)
    fine = recording(4).assign_coords(time=("time", np.arange(4) * 0.1, {"units": "ms"}))
    pca(fine.assign_attrs(dt=0.1), n_components=1)
    pca(with_value(np.nan, (slice(0, 8), slice(None), 2)), n_components=1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s: pca(s, align="go"), "`align` must be left out where the Session has no phases"),
        (
            lambda s: rdm(s, phase="go"),
            "`phase` must be left out where the Session has no phases, got 'go'. Leave it out, or "
            "give the Session the coordinates `phase`",
        ),
        (
            lambda s: pca(s.drop_vars("side"), condition="side"),
            "`condition` must name a coordinate of `trial`, but the Session has none, got 'side'",
        ),
        (
            lambda s: decode(s.drop_vars("side"), "side"),
            "`target` must name a coordinate of `trial`, but the Session has none",
        ),
        (
            lambda s: decode(s, "side", bin=1e5),
            "`bin` must be no longer than a trial, 200 ms at most, got 100000",
        ),
        (
            lambda s: tuning(s, variables="side", bins=3),  # type: ignore[arg-type]
            "`bins` must be a mapping from a variable to a number of bins, got 3. Give "
            "bins={'side': 8}",
        ),
        (
            lambda s: currents(s, [np.ones((4, 4)), np.ones(4)]),
            "`weights` must have the dimensions (unit, source), got list. Give what "
            "model.effective_weights() returned",
        ),
        (lambda s: weight_structure(np.eye(4)).means("median"), '`of` must be one of "n_pairs"'),
        (
            lambda s: weight_structure(np.eye(4), sort_by="layer"),
            '`sort_by` must be one of "group"',
        ),
        (lambda s: spectrum(np.eye(4), blocks="layer"), '`blocks` must be one of "group"'),
        (lambda s: tidy(s.drop_vars("rates"), "rates"), "`of` must be None where the Session has"),
    ],
)
def test_what_is_not_there_is_said(call, message):
    with pytest.raises((ValueError, TypeError), match=re.escape(message)):
        call(recording())


def test_an_nwb_file_of_no_trial_is_refused(tmp_path):
    pytest.importorskip("pynwb")
    with pytest.raises(ValueError, match="`session` must hold a trial, got none"):
        to_nwb(recording().isel(trial=[]), tmp_path / "a.nwb")


class Model:
    """As a Keras model, it can be called."""

    def __call__(self, *arguments: Any) -> Any:
        raise AssertionError("not to be called")

    def step(self, state: Any, input: Any) -> Any:
        return 0.5 * state + 0.0 * input.sum(-1, keepdims=True)

    def run(self, *arguments: Any) -> Any: ...


STEP = Model().step
VISITED = np.random.default_rng(0).normal(size=(20, 4))


def states() -> xr.Dataset:
    inputs = xr.DataArray(np.ones((40, 20, 1)), dims=("trial", "time", "input"))
    return phased().assign(states=phased()["rates"], inputs=inputs)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: fixed_points(Model(), VISITED, input=[0.0]),
            "`step` must be a function step(state, input) -> state, got Model. Give model.step",
        ),
        (lambda: flow(Model(), None, input=[0.0]), "got Model. Give model.step"),
        (
            lambda: lesions(Model(), None),
            "`run` must be a function that runs the network, got Model. Give model.run",
        ),
        (
            lambda: fixed_points(STEP, VISITED, input=["a", "b"], dt=DT),
            "`input` must be the name of a phase or constant inputs, (input,) or (condition, "
            "input), got ['a', 'b']. Give numbers",
        ),
        (
            lambda: fixed_points(STEP, VISITED, input=[0.0], dt="10ms"),  # type: ignore[arg-type]
            "`dt` must be a number above 0, got '10ms'",
        ),
        (
            lambda: flow(STEP, pca(states(), of="states"), input="stimulus", dt=DT),
            "`input` must be constant inputs, (input,), such as points.inputs[0], got 'stimulus'",
        ),
        (
            lambda: fixed_points(STEP, states(), input="delay"),
            "`input` must be a phase that has a step in a trial, got 'delay', which is empty in "
            "all 40 of them",
        ),
        (
            lambda: currents(recording(), np.eye(4), bias="x"),
            "`bias` must be one number for each of the 4 units, got 'x'. Give numbers",
        ),
    ],
)
def test_what_is_no_function_or_number_is_said(call, message):
    with pytest.raises((ValueError, TypeError), match=re.escape(message)):
        call()


def test_a_line_that_is_none_says_what_it_misses():
    points = fixed_points(
        lambda x, u: x + 0.1 * (np.tanh(2 * x) - x), 2 * VISITED[:, :2], input=[0.0], dt=DT
    )
    line = line_attractor(points)
    assert line.is_line is False
    assert re.search(r"no line attractor \(not met: .*(share|ratio).*\), ", repr(line))


def test_the_legend_of_currents_stands_beside_the_panels():
    session = recording().assign_coords(side=("trial", np.arange(40) % 11))
    found = currents(session, np.eye(4))
    _, axes = plt.subplots(1, 1, layout="constrained")
    drawn: list[Any] = [found.plot(), found.plot(axes)]
    for panel in (panels[0, 0] for panels in drawn):
        panel.figure.canvas.draw()
        (legend,) = panel.figure.legends
        assert legend.get_window_extent().x0 >= panel.get_window_extent().x1
        assert len(legend.get_texts()) == 11
        assert "(a.u.)" in panel.get_ylabel()
    _, alone = plt.subplots()
    found.plot(alone)
    alone.figure.canvas.draw()
    legend = alone.get_legend()
    assert legend is not None
    assert legend.get_window_extent().x0 >= alone.get_window_extent().x1


def test_the_figure_of_a_space_explains_its_markers():
    axes = pca(phased(), align="decision").plot_space()
    axes.figure.canvas.draw()
    (legend,) = axes.figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "-1", "1", "-100 ms", "decision starts",
    ]  # fmt: skip
    assert legend.get_window_extent().x1 <= axes.figure.bbox.x1


def test_a_spectrum_says_from_where_on_an_eigenvalue_is_outside():
    matrix = np.random.default_rng(0).normal(size=(30, 30)) / np.sqrt(30)
    found = spectrum(matrix, margin=0.5)
    assert found.margin == 0.5
    legend = found.plot().get_legend()
    assert legend is not None
    assert "within 1.5 x the law" in [text.get_text() for text in legend.get_texts()]
