"""Tuning against closed forms and other packages, and what noise-free and silent units give."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.stats import f_oneway
from sklearn.metrics import roc_auc_score

from neurotask.analysis import Tuning, tuning

DT = 10.0


def make(x, dtype=float, **coords):
    """A Session of two steps, whose mean over them is `x`, (trial, unit)."""
    rates = np.stack([x - 1, x + 1], axis=1) if np.any(x) else np.stack([x, x], axis=1)
    return xr.Dataset(
        {"rates": (("trial", "time", "unit"), rates.astype(dtype))},
        {
            "time": np.arange(2) * DT,
            "cell_type": ("unit", np.resize(["E", "I"], x.shape[1])),
            **{name: ("trial", np.asarray(values)) for name, values in coords.items()},
        },
        {"dt": DT},
    )


def crossed(n=30):
    """Two variables of two levels, each combination `n` times."""
    return np.repeat([0, 0, 1, 1], n), np.tile(["left", "right"], 2 * n)


def mixed(noise=1.0, n=30, seed=0):
    """Units: pure (context), pure (choice), linear mixed, nonlinear mixed, unselective, silent."""
    context, choice = crossed(n)
    a, b = context, (choice == "right").astype(float)
    drive = np.stack([a, b, a + b, a * b + (1 - a) * (1 - b), 0 * a, 0 * a], axis=1)
    rates = 10 + 4 * drive + noise * np.random.default_rng(seed).normal(size=drive.shape)
    session = make(rates, context=context, choice=choice)
    session["rates"][:, :, 5] = 0.0
    return session


def test_the_figures_are_those_of_other_packages():
    rng = np.random.default_rng(1)
    side = rng.integers(0, 2, 60)
    level = rng.choice([0.1, 0.2, 0.7], 60)
    x = rng.gamma(3, size=(60, 4)) + np.outer(side, [0, 1, 2, -1]) + np.outer(level, [3, 0, 0, 1])
    table = tuning(make(x, side=side, level=level), variables=["side", "level"]).table
    for unit in range(4):
        one = x[:, unit]
        groups = [one[level == v] for v in (0.1, 0.2, 0.7)]
        f = f_oneway(*groups).statistic
        assert table["level_eta2"][unit] == pytest.approx(2 * f / (2 * f + 57), abs=1e-10)
        assert table["side_roc_area"][unit] == pytest.approx(roc_auc_score(side, one), abs=1e-10)
        low, high = one[side == 0], one[side == 1]
        spread = np.sqrt((low.var(ddof=1) + high.var(ddof=1)) / 2)
        assert table["side_d_prime"][unit] == pytest.approx((high.mean() - low.mean()) / spread)
        means = [g.mean() for g in groups]
        assert table["level_preferred"][unit] == [0.1, 0.2, 0.7][int(np.argmax(means))]
        index = (max(means) - min(means)) / (max(means) + min(means))
        assert table["level_index"][unit] == pytest.approx(index, abs=1e-10)


def test_a_unit_is_a_row_with_what_it_is():
    found = tuning(mixed(), variables=["context", "choice"])
    assert found.table["unit"].tolist() == list(range(6))
    assert found.table["cell_type"].tolist() == ["E", "I"] * 3
    assert len(found.curves) == 2 * 2 * 6 and found.curves["n_trials"].eq(60).all()
    one = found.curves.query("variable == 'choice' and level == 'right' and unit == 1")
    x = mixed()["rates"].mean("time")[:, 1].to_numpy()[mixed()["choice"] == "right"]
    assert one["mean"].item() == pytest.approx(x.mean())
    assert one["sem"].item() == pytest.approx(x.std(ddof=1) / np.sqrt(60))


# Mixed selectivity


@pytest.mark.parametrize("noise", [1.0, 0.0])
def test_classes_are_those_the_units_were_made_with(noise):
    found = tuning(mixed(noise), variables=["context", "choice"])
    kinds = ["pure", "pure", "linear mixed", "nonlinear mixed", "unselective", "silent"]
    assert found.table["selectivity"].tolist() == kinds
    to = ["context", "choice", "context, choice", "context x choice", "", ""]
    assert found.table["selective_to"].tolist() == to
    assert found.noise_free == (noise == 0) and found.status == "ok"
    assert found.classes.to_dict() == {
        "pure": 2,
        "linear mixed": 1,
        "nonlinear mixed": 1,
        "unselective": 1,
        "silent": 1,
    }


def test_the_regression_is_that_of_nested_least_squares():
    rng = np.random.default_rng(2)
    a, b = rng.integers(0, 3, 80), rng.integers(0, 2, 80)  # unbalanced
    x = rng.normal(size=(80, 2)) + np.outer(a == 1, [1, 0]) + np.outer(a * b, [0, 0.5])
    terms = tuning(make(x, a=a, b=b), variables=["a", "b"], correction="none").terms

    def left(columns, y):
        design = np.stack([np.ones(80), *columns], axis=1)
        return ((y - design @ np.linalg.lstsq(design, y, rcond=None)[0]) ** 2).sum()

    one_a, one_b = [a == 0, a == 1], [b == 0]
    both = [i & j for i in one_a for j in one_b]
    for unit in range(2):
        y = x[:, unit]
        full = left([*one_a, *one_b, *both], y)
        added = {
            "a": (left(one_b, y) - left([*one_a, *one_b], y), 2),
            "b": (left(one_a, y) - left([*one_a, *one_b], y), 1),
            "a x b": (left([*one_a, *one_b], y) - full, 2),
        }
        for name, (gain, n) in added.items():
            row = terms[(terms["unit"] == unit) & (terms["term"] == name)].iloc[0]
            assert row["f"] == pytest.approx((gain / n) / (full / (80 - 6)), rel=1e-8)
            assert row["share"] == pytest.approx(gain / ((y - y.mean()) ** 2).sum(), rel=1e-8)


def test_variables_that_the_trials_do_not_tell_apart_are_undetermined():
    context, _ = crossed()
    x = np.random.default_rng(0).normal(size=(120, 2)) + context[:, None]
    found = tuning(make(x, a=context, b=context), variables=["a", "b"])
    assert found.table["selectivity"].tolist() == ["undetermined"] * 2
    assert found.status == "undetermined: the trials do not tell a, b, a x b apart"


def test_p_counts_the_trials_as_they_are_among_the_shuffles():
    found = tuning(mixed(), variables="choice", n_permutations=99, correction="none").table
    assert found["choice_p"][1] == found["choice_roc_p"][1] == 1 / 100


def test_unselective_units_are_seldom_called_selective():
    context, choice = crossed()
    x = np.random.default_rng(3).normal(size=(120, 400))
    session = make(x, context=context, choice=choice)
    found = tuning(session, variables=["context", "choice"], min_share=0, n_permutations=99)
    assert found.classes["unselective"] >= 395
    raw = tuning(
        session, variables=["context", "choice"], min_share=0, n_permutations=99, correction="none"
    )
    assert 0.02 < (raw.table["context_p"] <= 0.05).mean() < 0.09
    assert 0.10 < (raw.table["selectivity"] != "unselective").mean() < 0.19  # 1 - 0.95**3
    holm = tuning(session, variables=["context", "choice"], correction="holm")
    assert (holm.table["selectivity"] == "unselective").sum() >= 399


# Noise-free and silent


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_copies_of_trials_give_determined_answers(dtype):
    context, choice = crossed(5)
    x = np.stack([context, 0 * context, 0 * context + 7, 0.1 * context * 3], axis=1) + 0.0
    found = tuning(make(x, dtype, context=context, choice=choice), variables=["context", "choice"])
    table = found.table
    assert found.noise_free and "noise-free" in repr(found)
    assert table["context_d_prime"].tolist() == [np.inf, 0.0, 0.0, np.inf]
    assert table["context_roc_area"].tolist() == [1.0, 0.5, 0.5, 1.0]
    np.testing.assert_allclose(table["context_eta2"], [1.0, 0.0, 0.0, 1.0], atol=1e-6)
    assert table["choice_eta2"].tolist() == [0.0] * 4
    assert table["context_p"].to_numpy()[[1, 2]].tolist() == [1.0, 1.0]
    assert table["context_preferred"].isna().tolist() == [False, True, True, False]
    assert found.terms["p"].notna().all()


def test_round_off_between_copies_is_no_tuning():
    context, choice = crossed(5)
    x = np.full((20, 1), 0.3) + np.where(np.arange(20) % 3, 0, 5e-17)[:, None] * 2
    x = x * (1 + 2e-16 * (choice == "right")[:, None])
    session = make(x, context=context, choice=choice)
    session["rates"].data[:] = x[:, None]
    found = tuning(session, variables=["context", "choice"])
    assert found.table["selectivity"].item() == "unselective"
    assert found.table["choice_roc_area"].item() == 0.5 and found.table["choice_p"].item() == 1.0


def test_a_unit_that_is_silent_in_the_phase_alone_is_silent_there():
    session = mixed()
    session["rates"][:, 0, 0] = 0.0
    assert tuning(session, variables="choice", phase=(0, 10)).table["selectivity"][0] == "silent"
    assert tuning(session, variables="choice", phase=(10, 20)).table["selectivity"][0] != "silent"


# Directions


@pytest.mark.parametrize(("period", "levels"), [(360.0, 8), (2 * np.pi, 5), (180.0, 6)])
def test_a_cosine_is_recovered(period, levels):
    angle = np.repeat(np.arange(levels) * period / levels, 4)
    preferred = np.array([0.1, 0.45, 0.9]) * period
    phase = 2 * np.pi * (angle[:, None] - preferred) / period
    session = make(10 + np.array([2.0, 5.0, 10.0]) * np.cos(phase), angle=angle)
    table = tuning(session, variables="angle", circular={"angle": period}).table
    np.testing.assert_allclose(table["angle_angle"], preferred, atol=1e-10)
    np.testing.assert_allclose(table["angle_strength"], [0.1, 0.25, 0.5], atol=1e-10)
    np.testing.assert_allclose(table["angle_circular_variance"], [0.9, 0.75, 0.5], atol=1e-10)
    np.testing.assert_allclose(table["angle_cosine_r2"], 1.0, atol=1e-10)


def test_the_preferred_direction_is_the_mean_vector_at_equal_spacing():
    direction = np.repeat(np.arange(8) * 45.0, 3)
    x = np.random.default_rng(0).gamma(2, size=(24, 5))
    table = tuning(make(x, d=direction), variables="d", circular="d").table
    means = np.stack([x[direction == d].mean(0) for d in np.arange(8) * 45.0])
    vector = np.exp(1j * np.radians(np.arange(8) * 45.0)) @ means
    np.testing.assert_allclose(table["d_angle"], np.degrees(np.angle(vector)) % 360)
    np.testing.assert_allclose(table["d_strength"], np.abs(vector) / means.sum(0))


def test_untuned_and_negative_units_have_no_direction_or_strength():
    direction = np.repeat(np.arange(8) * 45.0, 2)
    x = np.stack([0 * direction, 0 * direction + 3, np.cos(np.radians(direction))], axis=1)
    table = tuning(make(x, d=direction), variables="d", circular="d").table
    assert table["d_angle"].isna().tolist() == [True, True, False]
    assert table["d_strength"].isna().tolist() == [False, False, True]
    assert table["d_strength"][:2].tolist() == [0.0, pytest.approx(0.0)]


def test_bins_of_a_circle_begin_around_zero():
    direction = np.array([350.0, 10.0, 100.0, 80.0, 170.0, 190.0, 280.0, 260.0])
    x = np.cos(np.radians(direction))[:, None] + 2
    found = tuning(make(x, d=direction), variables="d", circular="d", bins={"d": 4})
    assert found.levels["d"].tolist() == [0.0, 90.0, 180.0, 270.0]
    assert found.curves["n_trials"].tolist() == [2] * 4
    linear = tuning(make(x, d=direction), variables="d", bins={"d": 4}).levels["d"]
    np.testing.assert_allclose(linear, 10 + 85 * (np.arange(4) + 0.5))


# Missing data, groups


def test_a_trial_that_lacks_a_variable_is_left_out_where_it_is_looked_at():
    session = mixed()
    choice = session["choice"].to_numpy().astype("<U8")
    choice[:7] = "none"
    with_none = session.assign_coords(choice=("trial", choice))
    found = tuning(with_none, variables=["context", "choice"])
    assert found.levels["choice"].tolist() == ["left", "right"]
    assert found.curves.groupby("variable")["n_trials"].sum().tolist() == [113 * 6, 120 * 6]


def test_padding_is_no_activity():
    session = mixed()
    longer = session.pad(time=(0, 3), constant_values=np.nan)
    longer = longer.assign_coords(time=np.arange(5) * DT)
    one, two = (tuning(s, variables=["context", "choice"]).table for s in (session, longer))
    pd.testing.assert_frame_equal(one, two)


def test_groups_and_networks_are_analysed_each():
    session = mixed()
    several = xr.concat([session, mixed(seed=5)], "network")
    with pytest.raises(ValueError, match="`session` must hold one network"):
        tuning(several, variables="choice")
    grouped = tuning(several, variables="choice", by="network")
    pd.testing.assert_frame_equal(grouped[0].table, tuning(session, variables="choice").table)
    assert grouped.table["network"].tolist() == [0] * 6 + [1] * 6
    assert list(tuning(session, variables="choice", by="context")) == [0, 1]


# Errors


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            {"variables": "chioce"},
            ValueError,
            '`variables` must be one of .* Did you mean "choice"',
        ),
        (
            {"variables": []},
            ValueError,
            "`variables` must name what units may be tuned to, got none",
        ),
        ({"variables": "one"}, ValueError, "`variables` must take two levels or more, got 'one'"),
        ({"variables": "many"}, ValueError, "`variables` must take at most 40 levels, got 120"),
        ({"circular": "context"}, ValueError, "`circular` must hold names of `variables`"),
        ({"bins": {"context": 2}}, ValueError, "`bins` must hold names of `variables`"),
        ({"circular": "choice"}, TypeError, "`choice` must hold numbers to be circular or binned"),
        (
            {"phase": "stimulus"},
            ValueError,
            "`phase` must be left out where the Session has no phases",
        ),
        ({"phase": (20, 10)}, ValueError, "`phase` must start before it stops"),
        ({"phase": (900, 1000)}, ValueError, "`phase` must hold data of a trial that counts"),
        ({"correction": "bonferoni"}, ValueError, '`correction` must be one of "fdr", "holm"'),
        ({"alpha": 2}, ValueError, r"`alpha` must be a number in \[0, 1\]"),
        ({"of": "rate"}, ValueError, "`of` must be one of"),
    ],
)
def test_what_is_wrong_is_said(arguments: Any, error, message):
    session = mixed().assign_coords(
        one=("trial", np.ones(120)),
        many=("trial", np.arange(120.0)),
        number=("trial", crossed()[0]),
    )
    with pytest.raises(error, match=message):
        tuning(session, **{"variables": "choice", **arguments})


def test_two_levels_make_no_circle_and_few_trials_no_regression():
    session = mixed()
    with pytest.raises(ValueError, match="`circular` must name variables of three levels or more"):
        tuning(session, variables="context", circular="context")
    with pytest.raises(ValueError, match="`variables` must leave trials to judge noise by, got 4"):
        tuning(session.isel(trial=[0, 1, 60, 61]), variables=["context", "choice"])


# Figures


def test_the_scatter_has_a_point_a_unit_and_says_what_is_drawn():
    found = tuning(mixed(), variables=["context", "choice"])
    assert isinstance(found, Tuning)
    ax = found.plot()
    drawn = np.concatenate(
        [line.get_xydata() for line in ax.lines if line.get_marker() in "o^sXPd"]
    )
    expected = found.table[["context_roc_area", "choice_roc_area"]].to_numpy(float)
    assert sorted(map(tuple, drawn)) == sorted(map(tuple, expected))
    assert ax.get_xlabel() == "ROC area (context: 1 > 0)"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == found.classes.index.tolist()
    assert found.plot(measure="eta2").get_ylabel() == "share of variance (choice: right > left)"
    with pytest.raises(ValueError, match="`measure` must be one of"):
        found.plot(measure="roc")
    with pytest.raises(ValueError, match="`variables` must be one of"):
        found.plot(variables=("context", "side"))


def test_curves_are_drawn_over_the_levels():
    found = tuning(mixed(), variables=["context", "choice"])
    ax = found.plot_curves([1, 3], variable="choice")
    lines = [line for line in ax.lines if len(line.get_xdata()) == 2]
    means = found.curves.query("variable == 'choice' and unit == 3")["mean"]
    np.testing.assert_array_equal(lines[1].get_ydata(), means)
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["left", "right"]
    assert ax.get_ylabel() == "mean rates (the whole trial)"
    assert found.plot_curves(ax=ax) is ax
    with pytest.raises(ValueError, match="`units` must be of the column `unit`"):
        found.plot_curves([99])
    assert tuning(mixed(), variables="choice").plot().get_xlabel() == "choice"
