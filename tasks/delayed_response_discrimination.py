"""Motion discrimination with a delayed response: keep the decision until it may be reported.

As `PerceptualDiscrimination`, but the go cue comes long after the motion, at a time that varies: a
choice has to be made, and then held with no evidence left to support it. Accuracy that falls with
the delay tells of a memory that leaks or diffuses.

Source: Inagaki, Fontolan, Romani & Svoboda (2019) Nature 566:212, for the delays, 0.3 to 4 s, and
for the duration of the sample, 1.15 s there and 1.16 s here (a multiple of dt). The modality is a
choice made here, random dots in place of touch or tones.
"""

from dataclasses import dataclass

from neurotask.distributions import Duration, Levels
from neurotask.tasks.perceptual_discrimination import PerceptualDiscrimination


@dataclass(frozen=True, kw_only=True)
class DelayedResponseDiscrimination(PerceptualDiscrimination):
    """Discrimination of the direction of motion, reported after a delay of 0.3 to 4 s.

    Settings are those of `PerceptualDiscrimination`. The delay of each trial is its condition
    `delay`: cross it with coherence to see whether the decision is kept.

    Example:
        >>> DelayedResponseDiscrimination().trials(1, seed=1, delay=2000.0).phases["decision"]
        array([[3460., 3960.]])
    """

    expected_score = 0.85
    aliases = ("PerceptualDecisionMakingDelayResponse", "rdm_delay")

    stimulus: Duration = 1160.0
    delay: Duration = Levels((300.0, 500.0, 700.0, 900.0, 1200.0, 2000.0, 3200.0, 4000.0))
    decision: Duration = 500.0


if __name__ == "__main__":
    DelayedResponseDiscrimination().plot(coherence=0.256).savefig("delayed_response.png")
