"""Interval discrimination: which of two stimuli lasted longer?

Two stimuli follow each other, each on a channel of its own, with a delay between them and another
before the go cue. The duration of the first has to be measured and kept, that of the second
measured and compared. Nothing but time tells them apart.

Source: Genovesio, Tsujimoto & Wise (2009) Neuron 63:254. The durations are those of neurogym's
IntervalDiscrimination.
"""

from dataclasses import dataclass

from neurotask.canvas import Canvas
from neurotask.decisions import Argmax
from neurotask.distributions import Duration, Remainder, Uniform
from neurotask.observers import Seen
from neurotask.task import Task


@dataclass(frozen=True, kw_only=True)
class IntervalDiscrimination(Task):
    """Comparison of two durations. Where they are the same no answer is right.

    Args:
        noise: density of the noise in the channel of a stimulus, while it is on.
        fixation: time before the first stimulus, ms.
        first: duration of the first stimulus, ms.
        delay: time from its end to the second, ms.
        second: duration of the second stimulus, ms.
        wait: time from its end to the go cue, ms.
        decision: time to report after the fixation point has gone off, ms. The first 100 ms of it
            do not count.
        dt: length of a time step, ms.

    Example:
        >>> trials = IntervalDiscrimination().trials(2, first=400.0, second=[300.0, 600.0])
        >>> trials.conditions["difference"].tolist()
        [-100.0, 200.0]
    """

    inputs = ("fixation", "stimulus_first", "stimulus_second")
    outputs = ("first", "second")
    decision_rule = Argmax("decision", grace=100.0)
    psychometric_axis = "difference"
    go_cue = "decision"
    hard = dict(noise=1.0)
    expected_score = 0.9
    function = "timing"
    aliases = ("duration_discrimination",)

    noise: float = 0.02
    fixation: Duration = 300.0
    first: Duration = Uniform(300.0, 600.0)
    delay: Duration = Uniform(800.0, 1500.0)
    second: Duration = Uniform(300.0, 600.0)
    wait: Duration = 500.0
    decision: Duration = 300.0

    def __post_init__(self):
        for name in ("first", "second"):
            if isinstance(getattr(self, name), Remainder):
                raise ValueError(
                    f"`{name}` must be a time in ms or a law of it, got {getattr(self, name)!r}. "
                    "Let `wait` fill the trial."
                )
        super().__post_init__()

    def derive(self, c):
        # A duration that is the same in all trials is no condition.
        first, second = (c[k] if k in c else getattr(self, k) for k in ("first", "second"))
        return dict(difference=second - first)

    def build(self, t: Canvas):
        t.input("fixation", until="decision")
        t.input("stimulus_first", phase="first", noise=self.noise)
        t.input("stimulus_second", phase="second", noise=self.noise)
        t.hold(until="decision")
        t.target_choice(t.conditions.difference, phase="decision", grace=100.0)

    def observe(self, seen: Seen):
        # Takes the time from the first to the last step at which each stimulus is seen.
        first, second = (self._span(seen[name] > 0.5) for name in self.inputs[1:])
        return seen.choose((second > first).astype(int))

    def _span(self, on):
        """Steps from the first that is on to the last, (row,); 0 where none is."""
        return (on.shape[1] - on[:, ::-1].argmax(1) - on.argmax(1)) * on.any(1)


if __name__ == "__main__":
    IntervalDiscrimination().plot(first=300.0, second=500.0).savefig("interval_discrimination.png")
