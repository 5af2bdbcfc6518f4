"""n-back: which items match, how often, and what is refused."""

import numpy as np
import pytest

import neurotask as nt
from neurotask.distributions import Levels


def blocks(task, trials, name):
    return trials.columns[name].reshape(-1, task.trials_per_block)


def kind_of(items, place, n):
    """Return what an item is, by its definition."""
    if place >= n and items[place] == items[place - n]:
        return "match"
    near = [items[place - back] for back in (n - 1, n + 1) if 0 < back <= place]
    return "lure" if items[place] in near else "new"


def test_defaults_are_those_of_the_source():
    task = nt.load("n_back")
    assert task.durations == dict(stimulus=500.0, decision=1000.0)
    assert (task.n, task.trials_per_block) == (2, 20)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_kind_is_what_the_items_show(n):
    task = nt.load("n_back", n=n, lure=0.3)
    trials = task.trials(50, seed=1)
    kind = blocks(task, trials, "kind")
    for items, kinds in zip(blocks(task, trials, "item"), kind, strict=True):
        assert kinds.tolist() == [kind_of(items, place, n) for place in range(20)]
    assert (trials.answers == (kind == "match").ravel()).all()
    assert {"match", "lure", "new"} == set(kind.ravel())


@pytest.mark.parametrize("n", [1, 2, 3])
def test_shares_are_as_set(n):
    task = nt.load("n_back", n=n)
    trials = task.trials(1000, seed=2)
    kind, planned = blocks(task, trials, "kind"), blocks(task, trials, "planned")
    assert not (kind[:, :n] == "match").any()
    # 17,000 items or more: a standard deviation of 0.0035.
    assert (kind[:, n:] == "match").mean() == pytest.approx(0.3, abs=0.012)
    assert (planned == "lure").mean() == pytest.approx(0.15, abs=0.012)
    # With n = 1 there is no lure after a match or at the start, else nearly always.
    expected = 0.15 * 0.7 if n == 1 else 0.15
    assert (kind[:, n + 1 :] == "lure").mean() == pytest.approx(expected, abs=0.012)
    items = np.bincount(trials.columns["item"]) / len(trials.columns["item"])
    assert items == pytest.approx(np.full(8, 1 / 8), abs=0.012)


def test_inputs_targets_and_mask():
    trials = nt.load("n_back", noise=0.0).trials(3, seed=1, planned="match")
    item = trials.columns["item"].reshape(3, 20)
    for place in range(20):
        start, match = 75 * place, place >= 2
        shown = np.eye(8)[item[:, place]][:, None]
        assert (trials.inputs[:, start : start + 25] == shown).all()
        assert not trials.inputs[:, start + 25 : start + 75].any()
        wanted = [0.2, 1.0] if match else [1.0, 0.2]
        assert trials.targets[0, start + 40] == pytest.approx(wanted)
        mask = [1] * 25 + [0] * 5 + [1] * 45
        assert trials.mask[0, start : start + 75, 0].tolist() == mask


@pytest.mark.parametrize("draw", [0.0, 1.0])
def test_new_items_are_new_at_the_ends_of_the_draw(draw):
    trials = nt.load("n_back", n_items=4).trials(1, draw=draw, planned="new")
    items = trials.columns["item"]
    assert {kind_of(items, place, 2) for place in range(20)} == {"new"}


def test_observer_of_items_of_changing_length():
    task = nt.load("n_back", stimulus=Levels((300.0, 500.0)), decision=Levels((400.0, 800.0)))
    trials = task.trials(5, seed=1)
    assert task.behavior(trials, task.observer(trials))["correct"].mean() == 1.0


@pytest.mark.parametrize(
    "settings, message",
    [
        (dict(n=0), "`n` must be a whole number of 1 or more, got 0"),
        (dict(n=20), "`trials_per_block` must be more than n = 20, got 20: no item could match"),
        (dict(n_items=3), "`n_items` must be a whole number of 4 or more, got 3"),
        (dict(match=0.8, lure=0.3), r"`match` \+ `lure` must be 1 or less, got 0.8 \+ 0.3"),
        (dict(match=-0.1), "`match` must be a number in .0, 1|`match` must be a number of 0"),
    ],
)
def test_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        nt.load("n_back", **settings)


def test_matches_and_lures_alone_are_not_refused():
    # 1 - 0.9 - 0.1 is below 0 in floating point.
    assert set(nt.load("n_back", match=0.9, lure=0.1).trials(9).columns["planned"]) == {
        "match",
        "lure",
    }


def test_items_are_shown():
    with pytest.raises(ValueError, match="`stimulus` must be a number above 0, got 0"):
        nt.load("n_back", stimulus=0.0)
