"""Lesions of a network built by hand, whose answer can be followed, and paired figures against closed forms."""

import subprocess
import sys
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats

import neurotask as nt
from neurotask.analysis import lesions, psychometric
from neurotask.analysis.circuit.lesion_measures import Paired, mean_difference, share_difference
from neurotask.backend.dynamics.leaky import Leaky
from neurotask.backend.network import Network

TASK = nt.load(
    "perceptual_discrimination",
    coherences=(0.032, 0.128, 0.512),
    fixation=100.0,
    stimulus=300.0,
    decision=200.0,
)
TRIALS = TASK.grid(repeats=30, seed=0)
UNITS = nt.Units({"PPC": 4, "PFC": 4})


def network(noise=0.15):
    """PPC sums the motion, two units for each side, and PFC holds the sum for the outputs."""
    described = Network(
        dynamics=Leaky(noise=noise, tau=200.0),
        units=UNITS,
        inputs=TASK.inputs,
        outputs=TASK.outputs,
        dt=TASK.dt,
    )
    side = np.array([0, 0, 1, 1])  # of the units of each area
    w = np.zeros((8, 8))
    w[:4, :4] = np.where(side[:, None] == side, 0.45, -0.2)
    w[4:, 4:] = np.where(side[:, None] == side, 0.45, -0.2)
    w[4:, :4] = np.where(side[:, None] == side, 0.5, 0.0)
    w_in, w_out = np.zeros((8, len(TASK.inputs))), np.zeros((2, 8))
    for k, name in enumerate(("motion_left", "motion_right")):
        w_in[:4, TASK.inputs.index(name)] = side == k
        w_out[k, 4:] = 0.5 * (side == k)
    vectors = described.vectors() | {"bias": np.full(8, 0.1)}
    kernels = {"input": w_in, "recurrent": w, "output": w_out}
    return nt.Parameters(described, kernels, vectors)


NETWORK = network()
run = partial(nt.simulate, NETWORK)
INTACT = run(TRIALS, seed=0)


def behaviour(perturbation, seed=0):
    return run(TRIALS, seed=seed, perturbation=perturbation)


# Paired figures


def test_the_interval_of_two_shares_is_wald_with_half_a_trial_a_cell():
    before = np.repeat([1.0, 1.0, 0.0, 0.0], [20, 12, 5, 13])
    after = np.repeat([1.0, 0.0, 1.0, 0.0], [20, 12, 5, 13])
    low, high, p = share_difference(before, after, 0.9)
    cells = np.array([20, 12, 5, 13]) + 0.5
    n = cells.sum()
    difference = (cells[2] - cells[1]) / n
    variance = ((cells[1] + cells[2]) / n - difference**2) / n
    half = stats.norm.ppf(0.95) * np.sqrt(variance)
    np.testing.assert_allclose([low, high], [difference - half, difference + half])
    np.testing.assert_allclose(p, 2 * stats.binom.cdf(5, 17, 0.5))  # McNemar, exact


def test_the_interval_of_two_shares_covers():
    rng, hits = np.random.default_rng(0), 0
    for _ in range(500):
        kind = rng.choice(3, size=60, p=[0.15, 0.05, 0.8])  # lost, won, neither
        low, high, _ = share_difference((kind == 0) * 1.0, (kind == 1) * 1.0, 0.9)
        hits += low <= -0.1 <= high
    assert 0.86 <= hits / 500 <= 0.96


def test_nothing_changed_is_no_difference_and_all_changed_is_one():
    same = np.ones(40)
    low, high, p = share_difference(same, same, 0.95)
    assert low < 0 < high < 0.06 and p == 1.0
    low, high, p = share_difference(same, 0 * same, 0.95)
    assert low == -1.0 and high < -0.8 and p == 2 / 2**40


def test_means_are_compared_by_the_paired_t_test():
    rng = np.random.default_rng(0)
    before = rng.normal(400, 80, 30)
    after = before + rng.normal(20, 15, 30)
    low, high, p = mean_difference(before, after, 0.95)
    found = stats.ttest_rel(after, before)
    np.testing.assert_allclose([low, high], list(found.confidence_interval(0.95)))
    np.testing.assert_allclose(p, found.pvalue)
    assert mean_difference(before, before, 0.95) == (0.0, 0.0, 1.0)
    assert np.isnan(mean_difference(before[:1], after[:1], 0.95)).all()


# Sweeps


def test_each_lesion_is_the_run_with_that_perturbation():
    found = lesions(run, TRIALS, "unit", seed=3)
    assert found.table["target"].unique().tolist() == [f"unit {i}" for i in range(8)]
    intact = behaviour(None, seed=3)
    for i in (0, 5):
        lesioned = behaviour(nt.Perturbation("lesion", units=[i]), seed=3)
        rows = found.table[found.table["target"] == f"unit {i}"].set_index("measure")
        correct = [np.asarray(s["correct"].dropna("trial")) for s in (intact, lesioned)]
        row = rows.loc["accuracy"]
        np.testing.assert_allclose(row["intact"], correct[0].mean())
        np.testing.assert_allclose(row["lesioned"], correct[1].mean())
        np.testing.assert_allclose(row["difference"], (correct[1] - correct[0]).mean())
        assert row["p"] == share_difference(*correct, 0.95)[2]
        assert row["low"] <= row["difference"] <= row["high"]
        right = float((lesioned["choice"] == "right").mean())
        np.testing.assert_allclose(rows.loc["choice", "lesioned"], right)
        assert row["n_units"] == 1 and row["n_trials"] == len(correct[0])


def test_what_a_lesion_does_is_known():
    # Without the units for the right, nothing is ever chosen but left.
    found = lesions(
        run, TRIALS, {"right": [2, 3, 6, 7], "none": np.zeros(8, bool) | [True] + [False] * 7}
    )
    change = found.differences()
    assert change.loc["right", "choice"] == -float((INTACT["choice"] == "right").mean())
    rows = found.table.set_index(["target", "measure"])
    assert rows.loc[("right", "choice"), "p"] < 1e-10
    assert rows.loc[("right", "accuracy"), "lesioned"] == 0.5


def test_areas_are_silenced_phase_by_phase():
    phases = ("fixation", "stimulus", "decision")
    found = lesions(run, TRIALS, "area", phases=phases)
    rows = found.table[found.table["measure"] == "accuracy"].set_index(["target", "phase"])
    assert len(rows) == 6
    for area in ("PPC", "PFC"):
        for phase in phases:
            session = behaviour(nt.Perturbation("silence", area=area, phase=phase))
            np.testing.assert_allclose(
                rows.loc[(area, phase), "lesioned"], session["correct"].mean()
            )
    # A silent PFC gives no output: always the same choice, right in half of the trials.
    assert rows.loc[("PFC", "decision"), "lesioned"] == 0.5
    assert rows.loc[("PFC", "decision"), "difference"] < -0.1


def test_a_factor_of_one_changes_nothing_and_one_of_zero_is_the_lesion():
    found = lesions(run, TRIALS, "area", factors=(1.0, 0.5, 0.0), measures="accuracy")
    rows = found.table.set_index(["target", "factor"])
    for area in ("PPC", "PFC"):
        assert rows.loc[(area, 1.0), "difference"] == 0 and rows.loc[(area, 1.0), "p"] == 1
        lesioned = behaviour(nt.Perturbation("lesion", area=area))
        np.testing.assert_allclose(rows.loc[(area, 0.0), "lesioned"], lesioned["correct"].mean())
    weak = behaviour(
        [
            nt.Perturbation("weights", synapses="PPC->PPC", factor=0.5),
            nt.Perturbation("weights", synapses="PPC->PFC", factor=0.5),
        ]
    )
    np.testing.assert_allclose(rows.loc[("PPC", 0.5), "lesioned"], weak["correct"].mean())


def test_projections_are_cut():
    found = lesions(run, TRIALS, "connections", measures="accuracy")
    rows = found.table.set_index("target")
    assert list(rows.index) == ["PPC->PPC", "PPC->PFC", "PFC->PPC", "PFC->PFC"]
    assert rows.loc["PFC->PPC", "difference"] == 0  # there are no such synapses
    cut = behaviour(nt.Perturbation("weights", synapses="PPC->PFC", factor=0.0))
    np.testing.assert_allclose(rows.loc["PPC->PFC", "lesioned"], cut["correct"].mean())
    assert rows["n_units"].isna().all()
    pd.testing.assert_frame_equal(
        lesions(run, TRIALS, ("PPC->PFC", "PPC"), measures="accuracy").table.iloc[:1, :7],
        found.table[found.table["target"] == "PPC->PFC"].iloc[:, :7].reset_index(drop=True),
    )


def test_any_perturbation_can_be_a_target():
    kick = nt.Perturbation("kick", factor=0.0, phase="decision")
    both = [nt.Perturbation("lesion", units=[0]), nt.Perturbation("lesion", units=[1])]
    found = lesions(run, TRIALS, {"forget": kick, "two": both, "labels": ("PPC", "PFC")})
    rows = found.table[found.table["measure"] == "accuracy"].set_index("target")
    np.testing.assert_allclose(rows.loc["forget", "lesioned"], behaviour(kick)["correct"].mean())
    two = behaviour(nt.Perturbation("lesion", units=[0, 1]))
    np.testing.assert_allclose(rows.loc["two", "lesioned"], two["correct"].mean())
    assert rows.loc["labels", "n_units"] == 8


def test_many_lesions_are_corrected_after_holm():
    table = lesions(run, TRIALS, "unit").table
    for _, rows in table.groupby("measure"):
        p = np.sort(rows["p"])
        expected = np.minimum(np.maximum.accumulate(p * np.arange(len(p), 0, -1)), 1.0)
        np.testing.assert_allclose(np.sort(rows["p_holm"]), expected)


def test_the_curve_is_refitted_and_resampled_in_pairs():
    current = nt.Perturbation("current", units=[2, 3], phase="stimulus", value=0.2)
    wanted = ("bias", "threshold", "accuracy")
    found = lesions(run, TRIALS, {"stimulated": current}, measures=wanted, n_bootstrap=40)
    rows = found.table.set_index("measure")
    fits = [psychometric(session) for session in (INTACT, behaviour(current))]
    for name in ("bias", "threshold"):
        one, two = (getattr(fit, name) for fit in fits)
        np.testing.assert_allclose(rows.loc[name, ["intact", "lesioned"]].astype(float), [one, two])
    bias = rows.loc["bias"]
    assert bias["low"] < bias["difference"] < bias["high"] < 0  # more is chosen to the right
    assert bias["p"] < 0.12 and bias["status"] == "ok"
    # Pairs share their noise: what is the same in both has no interval of its own.
    same = lesions(
        run, TRIALS, {"none": nt.Perturbation("kick", factor=1.0)}, measures="bias", n_bootstrap=10
    )
    assert same.table.loc[0, ["difference", "low", "high"]].tolist() == [0.0, 0.0, 0.0]


def test_resamples_are_those_of_refitting_the_trials():
    rows = pd.DataFrame(
        {
            "coherence": TRIALS.columns["coherence"],
            "choice": INTACT["choice"],
            "correct": INTACT["correct"],
        }
    )
    rows.attrs = dict(INTACT.attrs)
    pair = Paired(intact=rows, level=0.95, n_bootstrap=3, seed=0)
    drawn, counts = pair._curve_draws()["draws"]["threshold"], pair._weights()
    assert (counts.sum(1) == len(rows)).all()
    for draw, count in zip(drawn, counts, strict=True):
        again = rows.loc[rows.index.repeat(count)]
        again.attrs = rows.attrs
        np.testing.assert_allclose(draw, psychometric(again).threshold, rtol=1e-6)


def test_what_a_lesioned_network_cannot_tell_is_undetermined():
    found = lesions(run, TRIALS, {"PFC": "PFC"}, measures="threshold", n_bootstrap=5)
    row = found.table.iloc[0]
    assert np.isnan([row["lesioned"], row["difference"], row["low"], row["p"]]).all()
    assert row["status"].startswith("undetermined")


def test_each_network_is_compared_with_itself():
    others = [NETWORK, network(noise=0.8)]

    def run_all(trials, **how):
        sessions = [nt.simulate(one, trials, **how) for one in others]
        shared = xr.concat(
            sessions, "network", data_vars="all", coords="different", compat="equals"
        )
        return shared.assign_coords(network=[7, 8])

    found = lesions(run_all, TRIALS, "area", measures="accuracy")
    assert found.table["network"].tolist() == [7, 8, 7, 8]
    for key, one in zip((7, 8), others, strict=True):
        alone = lesions(partial(nt.simulate, one), TRIALS, "area", measures="accuracy").table
        own = found.table[found.table["network"] == key].drop(columns="network")
        pd.testing.assert_frame_equal(own.reset_index(drop=True), alone)


def test_only_behaviour_is_recorded():
    calls = []

    def noted(trials, **how):
        calls.append(how)
        return run(trials, **how)

    lesions(noted, TRIALS, {"PPC": "PPC"}, seed=4)
    assert [call["seed"] for call in calls] == [4, 4]
    assert all(call["record"] == () for call in calls)
    assert "perturbation" not in calls[0] and calls[1]["perturbation"][0].kind == "lesion"


def test_effects_and_doses_are_drawn():
    found = lesions(run, TRIALS, "unit")
    ax = found.plot(most=3)
    rows = found.table[found.table["measure"] == "accuracy"]
    largest = rows.loc[rows["difference"].abs().nlargest(3).index, "target"]
    assert {tick.get_text() for tick in ax.get_yticklabels()} == set(largest)
    assert ax.get_xlabel() == "Change in share correct"
    assert found.plot(measure="choice", most=8).lines[-1].get_xdata().tolist() == (
        found.differences()["choice"].tolist()
    )
    doses = lesions(run, TRIALS, "area", factors=(0.0, 0.5, 1.0), phases="stimulus")
    _, own = plt.subplots()
    assert doses.plot(own, measure="accuracy") is own
    assert own.lines[0].get_xdata().tolist() == [0.0, 0.5, 1.0]
    assert own.get_xlabel() == "Share of output left"
    assert [t.get_text() for t in own.get_legend().get_texts()] == [
        "PPC, stimulus",
        "PFC, stimulus",
        "intact",
    ]
    by_phase = lesions(run, TRIALS, "area", phases=("stimulus", "decision")).plot()
    assert [t.get_text() for t in by_phase.get_legend().get_texts()] == ["stimulus", "decision"]


def test_what_it_says_of_itself():
    found = lesions(run, TRIALS, {"PFC": "PFC"}, measures=("accuracy", "choice"))
    change = found.differences().loc["PFC", "accuracy"]
    assert repr(found) == (
        f"<Lesions: 1 lesions, accuracy, choice; largest: PFC {change:+.3g} in accuracy>"
    )
    assert "<table" in found._repr_html_()
    assert "phase" not in found.table and "factor" not in found.table


def test_it_needs_no_tensorflow():
    code = (
        "import sys, neurotask as nt; nt.analysis.lesions, nt.analysis.currents; "
        "from neurotask.analysis.circuit.lesion_targets import Target; import numpy as np; "
        "made = Target(name='a', units=np.ones(2, bool)).perturbations(None, None); "
        "assert made == [nt.Perturbation('lesion', units=(0, 1))]; "
        "sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_bad_input_is_refused():
    with pytest.raises(
        TypeError, match=r"`run` must be a function that runs the network, got Parameters"
    ):
        lesions(NETWORK, TRIALS)
    with pytest.raises(ValueError, match=r'`targets` must be one of "unit", "cell_type"'):
        lesions(run, TRIALS, "units")
    with pytest.raises(ValueError, match=r'must not be "cell_type" where units have no cell_types'):
        lesions(run, TRIALS, "cell_type")
    with pytest.raises(ValueError, match=r'`targets` must be one of "PFC", "PPC", got \'V1\''):
        lesions(run, TRIALS, ("V1",))
    with pytest.raises(ValueError, match=r"to places below 8"):
        lesions(run, TRIALS, {"far": [8]})
    with pytest.raises(ValueError, match=r"must name units, got none for 'empty'"):
        lesions(run, TRIALS, {"empty": np.zeros(8, bool)})
    with pytest.raises(TypeError, match=r"`targets` must be one of"):
        lesions(run, TRIALS, 3)
    with pytest.raises(ValueError, match=r"`targets` must name something"):
        lesions(run, TRIALS, {})
    kick = {"kick": nt.Perturbation("kick", factor=0.0)}
    with pytest.raises(ValueError, match=r"must be left out where targets are perturbations"):
        lesions(run, TRIALS, kick, phases="stimulus")
    with pytest.raises(ValueError, match=r"`measures` must be one of .*Did you mean \"accuracy\""):
        lesions(run, TRIALS, "area", measures="acuracy")
    with pytest.raises(ValueError, match=r"`measures` must be one of"):
        lesions(run, TRIALS, "area", measures="rt")  # this task has none
    with pytest.raises(ValueError, match=r"`factors` must be a number of 0 or more, got -1"):
        lesions(run, TRIALS, "area", factors=-1)
    with pytest.raises(ValueError, match=r'`measure` must be one of "accuracy"'):
        lesions(run, TRIALS, "area", measures="accuracy").plot(measure="rt")
