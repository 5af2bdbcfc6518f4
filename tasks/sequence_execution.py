"""Sequence execution: make a sequence of three saccades that a cue has named.

The gaze goes over a grid of 3 x 3 dots: from the centre left or right, from there to the middle of
the row below or above, and left or right again to a corner. That makes eight sequences. During each
movement three dots are lit: where the gaze should be, and the two where it could go.

Source: Averbeck & Lee (2007) J. Neurosci. 27:2204; as a network task, and with its durations, Song,
Yang & Wang (2016) PLoS Comput. Biol. 12:e1004792. The monkeys found the sequence of a block by
trial and error. Here a cue names it, as in the network task, but goes off before the first
movement: what is left of the sequence has to be kept in mind.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np

from neurotask._checks import number
from neurotask.canvas import Canvas
from neurotask.decisions import Distance
from neurotask.distributions import Duration
from neurotask.observers import Seen
from neurotask.phases import to_steps
from neurotask.task import Task

SEQUENCES = tuple(
    "-".join(s) for s in product(("left", "right"), ("down", "up"), ("left", "right"))
)
CUES = tuple(f"cue_{place}" for place in range(8))
DOTS = tuple(f"dot_{place}" for place in range(9))
GAZE = ("gaze_x", "gaze_y")


def path(turns: np.ndarray) -> np.ndarray:
    """Return the places (x, y) that turns of -1 and +1 lead over, (..., 4, 2) from (..., 3)."""
    first, second, third = np.moveaxis(turns, -1, 0)
    none = np.zeros_like(first)
    return np.stack([none, none, first, none, none, second, third, second], -1).reshape(
        *turns.shape[:-1], 4, 2
    )


def dots(place: np.ndarray) -> np.ndarray:
    """Return the dot at a place (x, y) of -1 ... 1, (..., 9), row by row from the top."""
    return np.eye(9)[(1 - place[..., 1]) * 3 + place[..., 0] + 1]


TURNS = np.array(list(product((-1, 1), repeat=3)))
PATHS = path(TURNS)  # (sequence, place, xy)


@dataclass(frozen=True, kw_only=True)
class SequenceExecution(Task):
    """Eight sequences of three movements of the gaze, in steps of a grid whose centre is (0, 0).

    A trial is right if the gaze was near the right places over all of the three movements.

    Args:
        noise: density of the noise in each channel of the cue.
        fixation: time before the cue, ms.
        cue: duration of the cue, ms.
        movement: time of the three movements after the fixation point has gone off, ms, a third for
            each. The first 100 ms of each do not count.
        dt: length of a time step, ms.

    Example:
        >>> trials = SequenceExecution().trials(1, sequence="left-up-right")
        >>> trials.targets[0, [99, 120, 145, 170]].tolist()
        [[0.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]
    """

    inputs = ("fixation", *CUES, *DOTS)
    outputs = GAZE
    choices = ()
    decision_rule = Distance("movement", tolerance=0.3)
    psychometric_axis = "sequence"
    go_cue = "movement"
    hard = dict(noise=1.0)
    expected_score = 0.9
    function = "sequence"
    aliases = ("lee", "saccade_sequence")

    noise: float = 0.03
    fixation: Duration = 1000.0
    cue: Duration = 1000.0
    movement: Duration = 1500.0

    def __post_init__(self):
        third = 3 * number("dt", self.dt, low=0.0, above=True)
        near = round(number("movement", self.movement, low=300.0, above=True) / third) * third
        if abs(self.movement - near) > 1e-6:
            raise ValueError(
                f"`movement` must be a whole multiple of 3 dt = {third:g} ms, got "
                f"{self.movement:g} ms. The nearest valid one is {near:g} ms."
            )
        super().__post_init__()

    def factors(self):
        return dict(sequence=SEQUENCES)

    def build(self, t: Canvas):
        named = t.conditions.sequence[:, None] == np.array(SEQUENCES)
        turns, places = TURNS[named.argmax(1)], PATHS[named.argmax(1)]
        t.input("fixation", until="movement")
        t.input(CUES, named, phase="cue", noise=self.noise)
        t.input(DOTS, dots(places[:, 0]), until="movement")
        t.target(GAZE, places[:, 0], until="movement")
        third = np.diff(t.phases["movement"])[:, 0] / 3
        to_steps("movement / 3", third, self.dt)
        for move in range(3):
            part = dict(phase="movement", delay=move * third, duration=third)
            other = path(turns * np.where(np.arange(3) == move, -1, 1))[:, move + 1]
            lit = dots(places[:, move]) + dots(places[:, move + 1]) + dots(other)
            t.input(DOTS, lit, **part)
            t.target(GAZE, places[:, move + 1], **part, grace=100.0)

    def observe(self, seen: Seen):
        # Names the sequence by the cue, and moves on whenever other dots are lit.
        places = PATHS[seen.sum(CUES).argmax(1)]
        dots = seen[DOTS]
        changes = (np.diff(dots, axis=1, prepend=dots[:, :1]) != 0).any(2).cumsum(1)
        return np.take_along_axis(places, np.minimum(changes, 3)[..., None], 1)


if __name__ == "__main__":
    SequenceExecution().plot(sequence="left-up-right").savefig("sequence_execution.png")
