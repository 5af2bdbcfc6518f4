"""Motion discrimination at durations that the experimenter chooses and the subject cannot foresee.

As `PerceptualDiscrimination`, but the motion may end at any moment. Whoever integrates all of it
improves with the square root of its duration, P(right) = Phi(c sqrt(T) / (sqrt(2) noise)); one who
stops at a bound improves no further once it is reached, which is what monkeys do.

Source: Kiani, Hanks & Shadlen (2008) J. Neurosci. 28:3017. The law of the durations is that of
Song, Yang & Wang (2016) PLoS Comput. Biol. 12:e1004792, where the motion is followed by the go cue
at once as here; `delay` puts a wait between them.
"""

from dataclasses import dataclass

from neurotask.distributions import Duration, TruncatedExponential
from neurotask.tasks.perceptual_discrimination import PerceptualDiscrimination


@dataclass(frozen=True, kw_only=True)
class VariableDurationDiscrimination(PerceptualDiscrimination):
    """Discrimination of the direction of motion that is shown for an unforeseeable time.

    Settings are those of `PerceptualDiscrimination`. The duration of each trial is its condition
    `stimulus`: cross it with coherence to see how evidence adds up.

    Example:
        >>> task = VariableDurationDiscrimination()
        >>> trials = task.grid(coherence=0.064, stimulus=[100.0, 400.0, 1500.0], repeats=2000)
        >>> table = task.behavior(trials, task.observer(trials))
        >>> table.groupby("stimulus")["correct"].mean().round(1).to_dict()
        {100.0: 0.7, 400.0: 0.8, 1500.0: 1.0}
    """

    expected_score = 0.8
    aliases = ("rdm_varstim", "variable_duration")

    stimulus: Duration = TruncatedExponential(mean=330.0, low=80.0, high=1500.0)


if __name__ == "__main__":
    VariableDurationDiscrimination().plot(coherence=0.256).savefig("variable_duration.png")
