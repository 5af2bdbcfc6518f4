"""What an ideal observer is given, and how it answers."""

from dataclasses import dataclass

import numpy as np
import pytest

import neurotask as nt
from neurotask.observers import Seen

RING = nt.Ring("out", 4)


@dataclass(frozen=True, kw_only=True)
class Look(nt.Task):
    """Left or right, or a direction."""

    inputs = ("fixation", "u", "v")
    outputs = ("fixation", "left", "right", *RING)
    choices = ("left", "right")
    on: nt.Duration = 100.0

    def build(self, t):
        t.target("left", 1.0)


U = np.array([[0, 0.5, 0.5, 0, -1], [0, 0, 0, 0, 0], [2, 0, 0, 0, 0]])
V = np.array([[1, 0, 0, 0, 0], [0, 0, 0, 2, 2], [0, 0, 0, 0, 0]])
FIXATION = np.array([[1, 1, 0, 0, 0], [0, 1, 1, 1, 0], [1, 1, 1, 1, 1]])


@pytest.fixture
def seen():
    return Seen(Look(), np.stack([FIXATION, U, V], axis=-1).astype("f4"))


def test_channels(seen):
    assert (seen.n_rows, seen.n_steps, seen.dt) == (3, 5, 20.0)
    assert np.array_equal(seen["u"], U)
    assert np.array_equal(seen[("v", "u")], np.stack([V, U], -1))
    with pytest.raises(
        ValueError, match=r'`input channel` must be one of "fixation", "u", "v", got'
    ):
        seen["w"]


def test_when_it_may_go(seen):
    assert seen.go.tolist() == [2, 4, 5]  # the third never may


def test_what_is_on_and_since_when(seen):
    assert seen.on("u").tolist() == (U != 0).tolist()
    assert seen.on(("u", "v")).tolist() == ((U != 0) | (V != 0)).tolist()
    assert seen.onset("u").tolist() == [1, 5, 0]
    assert seen.onset(("u", "v")).tolist() == [0, 3, 0]


def test_between(seen):
    within = seen.between([0, 1, 4], 3)
    assert within.tolist() == [[1, 1, 1, 0, 0], [0, 1, 1, 0, 0], [0, 0, 0, 0, 0]]


def test_sums_and_means(seen):
    within = seen.between(1, [3, 5, 1])
    assert seen.sum("u").tolist() == [0, 0, 2]
    assert seen.sum("u", within).tolist() == [1, 0, 0]
    assert seen.sum(("u", "v")).tolist() == [[0, 1], [0, 4], [2, 0]]
    assert seen.mean("v", within).tolist() == [0, 1, 0]  # nothing counts in the last: 0
    assert seen.mean(("v", "u")).tolist() == pytest.approx(np.array([[0.2, 0], [0.8, 0], [0, 0.4]]))


def by_loop(shown, when, withhold):
    """Outputs that wait, and show `shown` (row, output) where they are due."""
    outputs = np.zeros((3, 5, 7))
    for row, step in np.ndindex(3, 5):
        due = when[row][step] and not withhold[row]
        outputs[row, step] = shown[row] if due else [1.0] + 6 * [0.2]
    return outputs.astype("f4")


AFTER = [[k >= go for k in range(5)] for go in (2, 4, 5)]


@pytest.mark.parametrize("withhold", [[False] * 3, [True, False, True]])
def test_choosing(seen, withhold):
    shown = [[0.2, 0.2, 1.0, *4 * [0.2]], [0.2, 1.0, 0.2, *4 * [0.2]], [0.2, 1.0, 0.2, *4 * [0.2]]]
    assert np.array_equal(
        seen.choose([1, 0, 0], withhold=withhold), by_loop(shown, AFTER, withhold)
    )
    when = seen.on("v")
    assert np.array_equal(
        seen.choose([1, 0, 0], when, withhold), by_loop(shown, when.tolist(), withhold)
    )


@pytest.mark.parametrize("withhold", [[False] * 3, [False, True, False]])
def test_pointing(seen, withhold):
    bump = 0.2 + 0.8 * RING.bump([90.0, 10.0, 0.0])
    shown = [[0.2, 0.2, 0.2, *row] for row in bump]
    outputs = seen.point(RING, [90.0, 10.0, 0.0], withhold=withhold)
    assert outputs == pytest.approx(by_loop(shown, AFTER, withhold), abs=1e-6)


def test_waiting_leaves_nothing_shared(seen):
    outputs = seen.wait(high=0.9, low=0.1)
    assert outputs[2, 3].tolist() == pytest.approx([0.9, *6 * [0.1]])
    outputs[0] = 5.0
    assert outputs[1].max() < 1.0


def test_a_task_without_an_observer():
    with pytest.raises(
        ValueError, match=r"`observe` must be defined for an ideal observer of Look"
    ):
        Look().observer(Look().trials(2))
