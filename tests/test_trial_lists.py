"""An animal's list of trials, shown to a network."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import neurotask as nt


@dataclass(frozen=True, kw_only=True)
class Match(nt.Task):
    """Left or right in a context, for a time that varies."""

    inputs = ("u", "v")
    outputs = ("left", "right")
    decision_rule = nt.Argmax("report")
    noise: float = 0.1
    stimulus: nt.Duration = nt.Uniform(100.0, 300.0)
    report: nt.Duration = 60.0

    def factors(self):
        return dict(side=nt.signed((0.5, 1.0)), context=("a", "b"), flag=nt.chance(0.5))

    def derive(self, c):
        return dict(relevant=np.where(c.context == "a", c.side, -c.side))

    def build(self, t):
        c = t.conditions
        t.input("u", c.side, phase="stimulus", noise=self.noise)
        t.input("v", c.context == "a")
        t.target_choice(c.relevant, phase="report")


@dataclass(frozen=True, kw_only=True)
class InBlocks(Match):
    """The same in blocks."""

    trials_per_block: int = 2


TABLE = pd.DataFrame(
    dict(
        side=[0.5, -1.0, -0.5, 1.0],
        context=["b", "a", "a", "b"],
        flag=[True, False, False, True],
        stimulus=[100.0, 140.0, 300.0, 200.0],
        animal=["x", None, "y", "y"],
        animal_rt=[310.0, np.nan, 250.0, 400.0],
    ),
    index=[9, 9, 2, 5],
)


def test_trials_are_those_of_the_table_in_its_order():
    trials = Match(noise=0.0).trials_from(TABLE)
    table = trials.conditions
    for name in ("side", "context", "flag", "stimulus"):
        assert table[name].tolist() == TABLE[name].tolist()
    assert table["relevant"].tolist() == [-0.5, -1.0, -0.5, -1.0]
    assert trials.answers.tolist() == [0, 0, 0, 0]
    assert np.diff(trials.phases["stimulus"]).ravel().tolist() == TABLE["stimulus"].tolist()
    assert trials.inputs[:, 0].tolist() == [[0.5, 0.0], [-1.0, 1.0], [-0.5, 1.0], [1.0, 0.0]]


def test_other_columns_are_carried_along():
    trials = Match().trials_from(TABLE)
    table = Match().behavior(trials, trials.targets)
    for name in ("animal", "animal_rt"):
        assert table[name].equals(TABLE[name].reset_index(drop=True))
        assert trials.to_xarray()[name].dims == ("trial",)
    assert trials[[2, 0]].conditions["animal"].tolist() == ["y", "x"]


def test_what_the_table_does_not_say_comes_from_the_seed():
    task, given = Match(), TABLE[["side"]]
    one, same, other = (task.trials_from(given, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(one.inputs, same.inputs) and one.conditions.equals(same.conditions)
    assert not np.array_equal(one.conditions["stimulus"], other.conditions["stimulus"])
    assert np.array_equal(one.conditions["side"], other.conditions["side"])


def test_the_table_is_left_alone():
    before = TABLE.copy()
    Match().trials_from(TABLE).columns["side"][:] = 0.0
    assert TABLE.equals(before)


@pytest.mark.parametrize("kind", [object, "string", "category"])
def test_strings_of_pandas(kind):
    trials = Match().trials_from({"context": pd.Series(["b", "a"], dtype=kind), "side": [0.5, 0.5]})
    assert trials.columns["context"].tolist() == ["b", "a"]
    assert trials.columns["context"].dtype.kind == "U"
    assert trials.columns["relevant"].tolist() == [-0.5, 0.5]


@pytest.mark.parametrize("kind", ["float32", "Float64"])
def test_numbers_of_pandas(kind):
    trials = Match().trials_from({"side": pd.Series([0.5, -1.0], dtype=kind)})
    assert trials.columns["side"].tolist() == [0.5, -1.0]
    assert trials.columns["side"].dtype == float


def test_columns_that_are_numbered():
    trials = Match().trials_from(pd.DataFrame({"side": [0.5, 1.0], 0: [7, 8]}))
    assert trials.columns["0"].tolist() == [7, 8]


@pytest.mark.parametrize("labels", [[1, 1, 4, 4], ["x", "x", "y", "y"], [2, 2, 1, 1]])
def test_blocks(labels):
    trials = InBlocks(noise=0.0).trials_from(TABLE.assign(block=labels))
    assert len(trials) == 2 and "block" not in trials.columns
    assert trials.columns["side"].tolist() == TABLE["side"].tolist()
    assert trials.conditions.loc[(1, 0), "animal"] == "y"
    assert trials.to_xarray()["animal_rt"].dims == ("block", "trial")


def test_a_mixture_takes_the_conditions_of_its_tasks():
    @dataclass(frozen=True, kw_only=True)
    class Plain(Match):
        def factors(self):
            return dict(side=nt.signed((0.5, 1.0)))

        def derive(self, c):
            return dict(relevant=c.side, context=np.where(c.side > 0, "a", "b"))

    both = nt.MultiTask([Match(noise=0.0), Plain(noise=0.0)], names=("context", "plain"))
    task = ["plain", "context", "plain"]
    table = pd.DataFrame(dict(task=task, side=[0.5, 1.0, -1.0], flag=[np.nan, True, np.nan]))
    trials = both.trials_from(table)
    assert trials.columns["task"].tolist() == task
    assert trials.columns["side"].tolist() == [0.5, 1.0, -1.0]
    assert trials.columns["flag"].tolist() == pytest.approx([np.nan, 1.0, np.nan], nan_ok=True)
    assert trials.inputs[:, 0, 0].tolist() == [0.5, 1.0, -1.0]


def test_a_real_list():
    counts = nt.data.roitman_shadlen_2002()
    table = counts.loc[counts.index.repeat(counts["n_trials"] // 50), ["monkey", "coherence"]]
    task = nt.load("perceptual_discrimination")
    trials = task.trials_from(table, seed=1)
    scored = task.behavior(trials, task.observer(trials))
    assert len(scored) == len(table) > 100
    assert scored["monkey"].tolist() == table["monkey"].tolist()
    correct = scored.groupby("coherence")["correct"].mean()
    assert correct.index.tolist() == sorted(counts["coherence"].unique())
    assert np.isnan(correct[0.0]) and correct[0.512] == 1.0


@pytest.mark.parametrize("name", ["choice", "correct", "rt", "outcome", "answer", "error"])
def test_columns_that_behaviour_has_are_refused(name):
    message = rf"`{name}` must not be a column .* Rename it, for example to \"animal_{name}\""
    with pytest.raises(ValueError, match=message):
        Match().trials_from(TABLE.assign(**{name: 1}))


@pytest.mark.parametrize("name", ["time", "trial", "unit", "reported_direction", "mask"])
def test_columns_that_a_session_has_are_refused(name):
    with pytest.raises(ValueError, match=rf"`{name}` must not be a column of the table"):
        Match().trials_from(TABLE.assign(**{name: 1}))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (TABLE[:0], r"`table` must hold one trial or more, got none"),
        (
            TABLE[["animal"]],
            r'`table` must have a column named as a factor or a phase of Match, "side", .* got "anim',
        ),
        (
            TABLE.assign(relevant=1.0),
            r"`relevant` must not be a column of the table: Match derives a condition of this name",
        ),
        (
            TABLE.assign(side=[0.5, 0.5, np.nan, 0.5]),
            r"`side` must be given in every row of the table, but is missing in row 2. Drop these",
        ),
        (
            TABLE.assign(context=["a", None, "b", None]),
            r"`context` must be given in every row of the table, but is missing in row 1",
        ),
        (TABLE.assign(context="c"), r'`context` must be one of "a", "b", got .c.'),
        (TABLE.assign(side=1.5), r"`side` must be a number in \[-1, 1\], got 1.5"),
        (TABLE.assign(side=["0.5"] * 4), r"`side` must be a number, got '0.5'"),
        (
            TABLE.assign(stimulus=151.0),
            r"`stimulus` must be a whole multiple of dt = 20 ms, got 151",
        ),
    ],
)
def test_tables_that_do_not_fit(table, message):
    with pytest.raises(ValueError, match=message):
        Match().trials_from(table)


@pytest.mark.parametrize(
    ("table", "error", "message"),
    [
        (
            "trials.csv",
            TypeError,
            r"`table` must be a table .* got 'trials.csv'. Read it first: pd.read_csv\('trials.csv'\)",
        ),
        (Path("trials.csv"), TypeError, r"Read it first: pd.read_csv\('trials.csv'\)"),
        (3, TypeError, r"`table` must be a table of trials, got int, of which pandas makes none"),
        (
            {"side": [0.5, 1.0], "flag": [True]},
            TypeError,
            r"`table` must be a table of trials, got dict, .* Give a DataFrame or a dict of col",
        ),
        (
            pd.DataFrame([[0.5, 1.0]], columns=["side", "side"]),
            ValueError,
            r"`table` must have one column of each name, got 'side' more than once. Rename or drop",
        ),
        (
            pd.DataFrame([[0.5, 1, 2]], columns=["side", 0, "0"]),
            ValueError,
            r"one column of each name, got '0' more than once",
        ),
        (
            TABLE.assign(**{"spikes/s": 1.0}),
            ValueError,
            r"`spikes/s` must be a name without /, .* Rename it, for example to 'spikes_s'",
        ),
        (
            TABLE.assign(spikes=[None, [1, 2], 3, 4]),
            ValueError,
            r"`spikes` must hold one value a trial, got \[1, 2\] in row 1. Give its entries",
        ),
        (
            TABLE.assign(side=[(0.5,)] * 4),
            ValueError,
            r"`side` must hold one value a trial, got \(0.5,\) in row 0",
        ),
    ],
)
def test_what_is_no_plain_table(table, error, message):
    with pytest.raises(error, match=message):
        Match().trials_from(table)


def test_a_trial_without_a_response_is_kept():
    task = nt.load("probabilistic_reversal", trials_per_block=2)
    own = next(k for k, law in task.varying.items() if isinstance(law, nt.OwnChoice))
    side = task.varying[own].choices[0]
    table = pd.DataFrame({"block": [0, 0], own: [side, None]})
    message = rf'`{own}` must be given .* missing in row 1. Write "none" where there was no resp'
    with pytest.raises(ValueError, match=message):
        task.trials_from(table)
    assert task.trials_from(table.fillna("none")).columns[own].tolist() == [side, "none"]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (TABLE, r'`table` must have a column "block", since InBlocks has 2 trials in each of its'),
        (
            TABLE.assign(block=[1, 1, 1, 2]),
            r"`table` must have blocks of 2 trials, got one of 3. Use task.replace\(trials_per_block=3",
        ),
        (TABLE.assign(block=[1, 2, 2, 1]), r"`table` must have blocks of 2 trials, got one of 1"),
    ],
)
def test_blocks_that_do_not_fit(table, message):
    with pytest.raises(ValueError, match=message):
        InBlocks().trials_from(table)
