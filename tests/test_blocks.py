"""Blocks: trials strung into rows, and rows cut into trials again."""

from dataclasses import dataclass

import numpy as np
import pytest

import neurotask as nt
from neurotask._blocks import cut, origins, string
from neurotask.session import session


@dataclass(frozen=True, kw_only=True)
class Repeats(nt.Task):
    """Is the side the same as in the trial before? Within a block the cue's strength is one."""

    inputs = ("fixation", "side")
    outputs = ("new", "same")
    decision_rule = nt.Argmax("answer")

    trials_per_block: int = 4
    noise: float = 0.0
    cue: nt.Duration = nt.Levels((20.0, 60.0))
    wait: nt.Duration = nt.Derived()
    answer: nt.Duration = 40.0

    def factors(self):
        return dict(side=(-1, 1), rare=nt.chance(0.1))

    def block_factors(self):
        return dict(strength=(0.5, 1.0, 2.0))

    def derive(self, c):
        same = np.zeros(c.side.shape, bool)
        same[:, 1:] = c.side[:, 1:] == c.side[:, :-1]
        return dict(same=same, wait=np.where(same, 40.0, 0.0))

    def build(self, t):
        c = t.conditions
        t.input("fixation", until="answer")
        t.input("side", c.side * c.strength, phase="cue", noise=self.noise)
        t.target_choice(c.same, phase="answer")


TASK = Repeats()
EQUAL, UNEQUAL = np.full(6, 5), np.array([5, 2, 1, 3, 4, 1])


def rows_by_loop(values, lengths, k):
    rows = [
        np.concatenate([values[i, : lengths[i]] for i in range(at, at + k)])
        for at in range(0, len(values), k)
    ]
    padded = np.zeros((len(rows), max(map(len, rows)), values.shape[2]), values.dtype)
    for row, whole in zip(rows, padded, strict=True):
        whole[: len(row)] = row
    return padded


@pytest.mark.parametrize("lengths", [EQUAL, UNEQUAL], ids=["equal", "unequal"])
@pytest.mark.parametrize("k", [1, 2, 3])
def test_stringing_and_cutting_are_inverse(lengths, k):
    values = np.random.default_rng(0).normal(size=(6, 5, 2)).astype("f4")
    values[np.arange(5) >= lengths[:, None]] = 0.0
    rows = string(values, lengths, k)
    assert rows.dtype == "f4" and np.array_equal(rows, rows_by_loop(values, lengths, k))
    assert np.array_equal(cut(rows, origins(lengths, k), lengths, k, 0.0), values)
    behind = cut(rows, origins(lengths, k), lengths, k, np.nan)
    assert np.array_equal(np.isnan(behind[..., 0]), np.arange(5) >= lengths[:, None])
    flags = cut(rows[..., 0] != 0, origins(lengths, k), lengths, k, 0.0)
    assert flags.dtype == bool and flags.shape == (6, 5)


def test_a_trial_depends_on_those_before_it_in_its_block():
    table = TASK.trials(50, seed=1).conditions
    side = table["side"].to_numpy().reshape(50, 4)
    expected = [[k > 0 and row[k] == row[k - 1] for k in range(4)] for row in side]
    assert table["same"].tolist() == np.ravel(expected).tolist()


def test_factors_of_blocks_are_the_same_all_through_them():
    strength = TASK.trials(200, seed=1).conditions["strength"].unstack()
    assert (strength.nunique(axis=1) == 1).all()
    assert set(strength[0]) == {0.5, 1.0, 2.0}


def test_the_row_is_its_trials_one_after_the_other():
    trials = TASK.trials(20, seed=1)
    assert len(trials) == 20 and len(trials.answers) == len(trials.conditions) == 80
    assert len(set(trials.lengths)) > 3
    c, at = trials.conditions.reset_index(), np.zeros(20, int)
    for i in range(80):
        row, cue = i // 4, int(c["cue"][i] / 20)
        last = cue + 2 * c["same"][i] + 2
        shown = trials.inputs[row, at[row] : at[row] + last]
        side = [c["side"][i] * c["strength"][i]] * cue + [0.0] * (last - cue)
        assert shown.tolist() == [[float(k < last - 2), side[k]] for k in range(last)]
        assert trials.phases["answer"][i].tolist() == [
            (at[row] + last - 2) * 20,
            (at[row] + last) * 20,
        ]
        at[row] += last
    assert np.array_equal(trials.lengths, at)
    assert not trials.inputs[~trials.present].any() and not trials.mask[~trials.present].any()


def test_conditions_are_indexed_by_block_and_trial():
    trials = TASK.trials(3, seed=0)
    assert trials.conditions.index.names == ["block", "trial"]
    assert trials.conditions.loc[(2, 1), "side"] == trials.columns["side"][9]
    assert "3 blocks of 4 trials of Repeats" in repr(trials)


@pytest.mark.parametrize("index", [slice(1, 4), [4, 0], np.array([0, 1, 0, 1, 1], bool), 2])
def test_some_of_the_rows(index):
    trials = TASK.trials(5, seed=2)
    part, wanted = trials[index], np.atleast_1d(np.arange(5)[index])
    assert np.array_equal(part.inputs, trials.inputs[wanted])
    table = trials.conditions.loc[wanted].reset_index(drop=True)
    assert part.conditions.reset_index(drop=True).equals(table)
    assert part.answers.tolist() == trials.answers.reshape(5, 4)[wanted].ravel().tolist()
    whole = trials.by_trial()
    places = (wanted[:, None] * 4 + np.arange(4)).ravel()
    longest = part.by_trial().inputs.shape[1]
    assert np.array_equal(part.by_trial().inputs, whole.inputs[places, :longest])


def test_trials_by_themselves():
    trials = TASK.trials(6, seed=2)
    alone = trials.by_trial()
    assert alone.per_block is None and alone.by_trial() is alone
    assert alone.conditions["block"].tolist() == np.repeat(range(6), 4).tolist()
    assert alone.conditions["trial_in_block"].tolist() == [*range(4)] * 6
    assert (alone.phases["cue"][:, 0] == 0).all()
    assert alone.inputs[alone.present].sum() == trials.inputs[trials.present].sum()


def test_the_full_grid_crosses_blocks_and_draws_within_them():
    trials = TASK.replace(trials_per_block=8).grid(repeats=3, seed=1)
    assert len(trials) == 3 * 3
    table = trials.conditions
    assert set(table.groupby("strength").size()) == {3 * 8}
    # What follows what is as in `trials`: balancing a block would make repeats rarer.
    many = TASK.replace(trials_per_block=8).grid(repeats=300, seed=1)
    side = many.conditions["side"].to_numpy().reshape(-1, 8)
    assert (side[:, 1:] == side[:, :-1]).mean() == pytest.approx(0.5, abs=0.03)
    assert side.mean() == pytest.approx(0.0, abs=0.03)


def test_a_grid_holds_what_it_names_over_the_block():
    table = TASK.grid(side=[1, -1], cue=[20.0], repeats=2).conditions
    assert table["side"].to_numpy().reshape(-1, 4).tolist() == 2 * [[1] * 4] + 2 * [[-1] * 4]
    assert (table["cue"] == 20.0).all()
    assert (table["strength"].unstack().nunique(axis=1) == 1).all()


@pytest.mark.parametrize(
    ("side", "expected"),
    [
        (1, [[1] * 4] * 3),
        ([1, -1, 1], [[1] * 4, [-1] * 4, [1] * 4]),
        (np.array([[1, -1, 1, -1]] * 3), [[1, -1, 1, -1]] * 3),
    ],
)
def test_conditions_given_for_blocks_and_trials(side, expected):
    trials = TASK.trials(3, seed=0, side=side)
    assert trials.columns["side"].reshape(3, 4).tolist() == expected
    assert np.array_equal(trials.columns["strength"], TASK.trials(3, seed=0).columns["strength"])


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        (
            dict(side=[1] * 4),
            r"`side` must be one value or .* \(3,\) or \(3, 4\), got shape \(4,\)",
        ),
        (dict(side=[1] * 12), r"`side` must be one value or .* got shape \(12,\)"),
        (
            dict(strength=np.array([[0.5, 0.5, 0.5, 1.0]] * 3)),
            r"`strength` must be the same in all trials of a block. Give one a block",
        ),
        (dict(wait=40.0), r"`wait` must be a factor or a phase of Repeats, which has \"side\""),
    ],
)
def test_refused_conditions(conditions, message):
    with pytest.raises(ValueError, match=message):
        TASK.trials(3, **conditions)


def test_derived_durations():
    trials = TASK.trials(30, seed=3)
    lasted = np.diff(trials.phases["wait"]).ravel()
    assert lasted.tolist() == np.where(trials.columns["same"], 40.0, 0.0).tolist()
    assert np.array_equal(trials.columns["wait"], lasted)


def test_labelled_rows():
    trials = TASK.trials(3, seed=0)
    dataset = trials.to_xarray()
    assert dataset["inputs"].dims == ("block", "time", "input")
    assert dataset["side"].dims == ("block", "trial") and dataset.sizes["trial"] == 4
    assert dataset["phase_start"].dims == ("block", "trial", "phase")
    assert np.array_equal(dataset["side"], trials.columns["side"].reshape(3, 4))
    start = dataset["phase_start"].sel(phase="answer").values.ravel()
    assert np.array_equal(start, trials.phases["answer"][:, 0])
    assert np.isnan(dataset["inputs"].values[~trials.present]).all()


def test_behavior_has_a_row_for_each_trial():
    trials = TASK.trials(7, seed=4)
    outputs = np.array(trials.targets)
    wrong = trials[0].lengths[0] - 2
    outputs[0, wrong : wrong + 2] = outputs[0, wrong : wrong + 2, ::-1]  # in its last trial
    table = TASK.behavior(trials, outputs)
    assert table["block"].tolist() == np.repeat(range(7), 4).tolist()
    assert table["trial_in_block"].tolist() == [*range(4)] * 7
    assert np.flatnonzero(table["correct"] == 0).tolist() == [3]
    assert table["same"].tolist() == trials.columns["same"].tolist()


def test_a_session_in_blocks_and_by_trial():
    trials = TASK.trials(5, seed=4)
    outputs = np.random.default_rng(0).normal(size=trials.targets.shape)
    rates = np.random.default_rng(1).normal(size=(*outputs.shape[:2], 3))
    s = session(trials, outputs, {"rates": rates}, np.array(["E"] * 3), np.array(["A"] * 3))
    assert s["correct"].dims == ("block", "trial") and s["rates"].dims == ("block", "time", "unit")
    alone = nt.by_trial(s)
    assert nt.by_trial(alone) is alone and alone["rates"].dims == ("trial", "time", "unit")
    assert np.array_equal(alone["rates"], trials.cut(rates, np.nan), equal_nan=True)
    table = TASK.behavior(trials, outputs)
    for name in ("block", "trial_in_block", "side", "choice", "correct", "outcome"):
        assert (
            alone[name].dims == ("trial",) and alone[name].values.tolist() == table[name].tolist()
        )
    one = trials.by_trial()
    for phase in trials.phases:
        start = alone["phase_start"].sel(phase=phase).values
        assert np.array_equal(start, one.phases[phase][:, 0])
    assert alone["cell_type"].dims == ("unit",) and alone.attrs == s.attrs


def broken(**members):
    body = dict(__annotations__={}, __module__=__name__)
    return dataclass(frozen=True, kw_only=True)(type("Broken", (Repeats,), body | members))


@pytest.mark.parametrize(
    ("members", "error", "message"),
    [
        (
            dict(block_factors=lambda s: dict(side=(1, 2))),
            ValueError,
            r"`side` must be in `factors` or `block_factors`, not in both",
        ),
        (
            dict(derive=lambda s, c: dict(same=c.side[:, 0] > 0, wait=40.0)),
            ValueError,
            r"`same` must be one a trial, shape \(2, 4\), as Broken.derive returns it, got .* \(2,\)",
        ),
        (
            dict(derive=lambda s, c: dict(same=c.side > 0)),
            ValueError,
            r"`wait` must be among what Broken.derive returns, since its duration is Derived\(\)",
        ),
        (
            dict(derive=lambda s, c: dict(same=c.side > 0, wait=50.0)),
            ValueError,
            r"`wait` must be a whole multiple of dt = 20 ms, got 50 ms",
        ),
        (
            dict(derive=lambda s, c: dict(same=c.side > 0, wait=0.0, answer=20.0)),
            ValueError,
            r"`answer` must be a factor or derived from factors, not both",
        ),
        (
            dict(
                factors=lambda s: dict(side=(-1, 1), a=nt.OwnChoice(("x",)), b=nt.OwnChoice(("x",)))
            ),
            ValueError,
            r"`b` must be the one OwnChoice of a block task",
        ),
    ],
)
def test_wrong_block_tasks_are_refused_when_made(members, error, message):
    with pytest.raises(error, match=message):
        broken(**members)()


def test_wrong_numbers_of_trials_a_block():
    with pytest.raises(ValueError, match=r"`trials_per_block` must be a whole number of 1 or more"):
        TASK.replace(trials_per_block=0)
    with pytest.raises(TypeError, match=r"but Repeats has no `trials_per_block`. Declare"):
        TASK.replace(trials_per_block=None)


def test_an_own_choice_without_blocks():
    @dataclass(frozen=True, kw_only=True)
    class Single(nt.Task):
        inputs, outputs = ("u",), ("z",)
        on: nt.Duration = 100.0

        def factors(self):
            return dict(own=nt.OwnChoice(("z",)))

        def build(self, t):
            t.input("u")

    with pytest.raises(ValueError, match=r"`own` must be the one OwnChoice of a block task"):
        Single()


def test_steps_that_were_taken_are_cut_into_trials_at_their_own_times():
    task = nt.load("probabilistic_reversal")
    trials = task.trials(2, seed=0)
    activity = {"rates": np.arange(trials.targets[..., :1].size, dtype=float)}
    activity["rates"] = activity["rates"].reshape(*trials.targets.shape[:2], 1)
    whole = session(trials, trials.targets, activity, np.array([""]), np.array([""]))
    every = nt.by_trial(whole).isel(time=slice(None, None, 5))
    taken = nt.by_trial(whole.isel(time=slice(None, None, 5)))
    assert taken.sizes["time"] == every.sizes["time"]
    np.testing.assert_array_equal(taken["time"], every["time"])
    np.testing.assert_array_equal(taken["rates"], every["rates"])
