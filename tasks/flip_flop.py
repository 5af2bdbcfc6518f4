"""Flip-flop: keep, for each of several bits, the sign of its last pulse.

Pulses of +1 and -1 arrive at random, now on one input, now on another. Each output holds the sign
of the last pulse on its input and must not be moved by those on the others. A network that has
learned it holds 2^n memories as fixed points, which makes it the textbook case for taking trained
networks apart.

A row is a block of pulses: the "trial" of a pulse lasts until the next one, so that behaviour has
one row a pulse: was the whole state held right until the next?

Source: Sussillo & Barak (2013) Neural Comput. 25:626, with three bits. Their pulses come on each
input on its own; here there is one at a time, on any input alike, and the durations are choices
made here: on average two pulses a second.
"""

from dataclasses import dataclass

import numpy as np

from neurotask._checks import count, number
from neurotask.canvas import Canvas
from neurotask.decisions import Distance
from neurotask.distributions import Duration, TruncatedExponential
from neurotask.observers import Seen
from neurotask.task import Task


@dataclass(frozen=True, kw_only=True)
class FlipFlop(Task):
    """Memory of several bits, each set by the last pulse on its own input.

    A bit is asked for from the end of its first pulse on; before, it may be anything. While a pulse
    lasts its bit may change and the others must not. Of each pulse, `effect` says whether it "sets"
    a bit for the first time, "flips" it or "repeats" what it was, and `state` all bits after it, as
    in "+-?" ("?" is not yet set); `state_0`, ... are the same as numbers.

    Args:
        n_bits: number of bits, each with an input and an output.
        noise: density of the noise in each input.
        trials_per_block: pulses a block.
        pulse: duration of a pulse, ms; one for all.
        hold: time from the end of a pulse to the next, ms.
        dt: length of a time step, ms.

    Example:
        >>> FlipFlop().trials(1, seed=2).conditions["state"].tolist()[:5]
        ['??+', '-?+', '-++', '-+-', '-+-']
    """

    choices = ()
    decision_rule = Distance("hold", tolerance=0.5)
    psychometric_axis = "n_pulses"
    hard = dict(noise=1.0)
    expected_score = 0.9
    function = "working memory"
    aliases = ("flipflop", "NBitFlipFlop", "n_bit_flip_flop", "three_bit_flip_flop")

    n_bits: int = 3
    noise: float = 0.03
    trials_per_block: int = 10
    pulse: Duration = 100.0
    hold: Duration = TruncatedExponential(mean=200.0, low=200.0, high=1400.0)

    def __post_init__(self):
        count("n_bits", self.n_bits)
        count("trials_per_block", self.trials_per_block)
        number("pulse", self.pulse, low=0.0, above=True)
        super().__post_init__()

    @property
    def inputs(self):
        return tuple(f"pulse_{bit}" for bit in range(self.n_bits))

    @property
    def outputs(self):
        return tuple(f"bit_{bit}" for bit in range(self.n_bits))

    def factors(self):
        return dict(bit=self.outputs, sign=("-", "+"))

    def derive(self, c):
        pulsed = c.bit[..., None] == np.array(self.outputs)
        sign = np.where(c.sign == "+", 1, -1)
        state = pulsed * sign[..., None]
        before = np.zeros_like(state)
        for now in range(1, self.trials_per_block):
            before[:, now] = state[:, now - 1]
            state[:, now] = np.where(pulsed[:, now], state[:, now], before[:, now])
        was = (before * pulsed).sum(-1)
        name = np.array("")
        for bit in range(self.n_bits):
            name = np.char.add(name, np.array(["?", "+", "-"])[state[..., bit]])
        return dict(
            state=name,
            effect=np.select([was == 0, was == sign], ["sets", "repeats"], "flips"),
            n_pulses=np.broadcast_to(np.arange(self.trials_per_block) + 1, sign.shape),
            **{f"state_{bit}": state[..., bit] for bit in range(self.n_bits)},
        )

    def build(self, t: Canvas):
        c = t.conditions
        pulsed = c.bit[:, None] == np.array(self.outputs)
        t.input(self.inputs, np.where(c.sign == "+", 1, -1)[:, None] * pulsed, phase="pulse")
        t.input(self.inputs, 0.0, noise=self.noise)
        pulse = np.diff(t.phases["pulse"])[:, 0]
        for bit, name in enumerate(self.outputs):
            state, wait = c[f"state_{bit}"], np.where(pulsed[:, bit], pulse, 0.0)
            t.target(name, state, delay=wait, weight=state != 0)

    def observe(self, seen: Seen):
        # Takes the mean over the length of a pulse, and the sign of the last one above one half.
        width, shown = round(self.pulse / self.dt), seen[self.inputs]
        total = np.pad(shown.cumsum(1, dtype=float), ((0, 0), (width, 0), (0, 0)))
        mean = (total[:, width:] - total[:, :-width]) / width
        step = np.arange(seen.n_steps)[:, None]
        last = np.maximum.accumulate(np.where(np.abs(mean) > 0.5, step, -1), axis=1)
        return np.where(last < 0, 0.0, np.sign(np.take_along_axis(mean, np.maximum(last, 0), 1)))


if __name__ == "__main__":
    FlipFlop().plot().savefig("flip_flop.png")
