"""Twenty cognitive tasks for one network, told apart by a rule cue (Yang et al.).

All rules share their channels: a fixation input, two rings of 32 inputs (two modalities) and a cue
for each rule; as outputs fixation and a ring of directions. Some ask to go to a stimulus or to the
opposite side, at once or from memory; some for the stronger of two, in one modality, despite the
other or in both; some to respond if two stimuli match, or do not, in direction or category. A
network that learns them all shows whether it makes them of common parts.

A stimulus of strength s shows s * 0.8 exp(-(d / 22.5)^2 / 2) at d degrees from its direction. Noise
is on all inputs, fixation and cues too. Yang et al. give it as 0.01 sqrt(2 / alpha) a step, where
alpha = dt / tau and tau = 100 ms. As a density, which needs no tau, that is 0.01 sqrt(0.2) =
0.00447; at dt = 20 ms a step gets exactly their 0.0316.

Source: Yang, Joglekar, Song, Newsome & Wang (2019) Nat. Neurosci. 22:297; rules and values are
those of their code. There all trials of a batch share rule, timing and the rings of go and match
rules; here each trial draws its own. Times from a range are multiples of 20 ms (of a longer dt).
"""

from dataclasses import dataclass

import numpy as np

from neurotask._checks import choose, number
from neurotask.canvas import Canvas
from neurotask.channels import Ring, circular_distance
from neurotask.decisions import PopulationVector
from neurotask.distributions import Derived, Duration, Levels, Uniform, plain
from neurotask.observers import Seen
from neurotask.task import Task

SHORT, DELAY, LAST = Levels((200, 400, 600)), Levels((200, 400, 800, 1600)), Levels((500,))
MATCH = dict(fixation=(SHORT, ""), stimulus=(SHORT, "1"), delay=(DELAY, ""))

# Of each phase of a course its law in ms, and which of the two stimuli are on.
COURSES = {
    "fd": dict(
        fixation=(Uniform(300, 700), ""), stimulus=(Uniform(500, 1500), "1"), response=(LAST, "1")
    ),
    "react": dict(fixation=(Uniform(500, 2500), ""), response=(LAST, "1")),
    "delay": dict(MATCH, fixation=(Levels((300, 500, 700)), ""), response=(LAST, "")),
    "dm": dict(
        fixation=(Uniform(100, 400), ""),
        stimulus=(Levels((400, 800, 1600)), "12"),
        response=(LAST, ""),
    ),
    "delaydm": dict(MATCH, second=(SHORT, "2"), wait=(Uniform(100, 300), ""), response=(LAST, "")),
    "dms": dict(MATCH, response=(LAST, "2")),
    "dmc": dict(MATCH, response=(SHORT, "2")),
}
PHASES = ("fixation", "stimulus", "delay", "second", "wait", "response")

# Of each rule: go to a stimulus, compare the strengths of two or match their directions; the course
# of its trials; the angle from stimulus to response (degrees); the ring to attend to (1, 2, 3 for
# both, 0 where each stimulus is on one of them); whether the other ring shows strengths to ignore;
# and for which matches a response is due.
RULES = np.rec.fromrecords(
    [
        ("fdgo", "go", "fd", 0.0, 0, False, True),
        ("reactgo", "go", "react", 0.0, 0, False, True),
        ("delaygo", "go", "delay", 0.0, 0, False, True),
        ("fdanti", "go", "fd", 180.0, 0, False, True),
        ("reactanti", "go", "react", 180.0, 0, False, True),
        ("delayanti", "go", "delay", 180.0, 0, False, True),
        ("dm1", "compare", "dm", 0.0, 1, False, True),
        ("dm2", "compare", "dm", 0.0, 2, False, True),
        ("contextdm1", "compare", "dm", 0.0, 1, True, True),
        ("contextdm2", "compare", "dm", 0.0, 2, True, True),
        ("multidm", "compare", "dm", 0.0, 3, False, True),
        ("delaydm1", "compare", "delaydm", 0.0, 1, False, True),
        ("delaydm2", "compare", "delaydm", 0.0, 2, False, True),
        ("contextdelaydm1", "compare", "delaydm", 0.0, 1, True, True),
        ("contextdelaydm2", "compare", "delaydm", 0.0, 2, True, True),
        ("multidelaydm", "compare", "delaydm", 0.0, 3, False, True),
        ("dmsgo", "match", "dms", 0.0, 0, False, True),
        ("dmsnogo", "match", "dms", 0.0, 0, False, False),
        ("dmcgo", "match", "dmc", 0.0, 0, False, True),
        ("dmcnogo", "match", "dmc", 0.0, 0, False, False),
    ],
    names="name, kind, course, turn, ring, ignored, due",
)
NAMES = tuple(RULES.name.tolist())


@dataclass(frozen=True, kw_only=True)
class Yang2019(Task):
    """The twenty rules of Yang et al., or some of them, interleaved from trial to trial.

    Factors are quantiles where their law depends on the rule: `delay_quantile` runs from the
    shortest delay that a rule has, 0, to the longest, 1, and so for each phase. What a rule has no
    use for changes nothing in its trials.

    Args:
        rules: names of the rules; one alone makes a single task. The cues stay twenty.
        weights: how often each rule is drawn, relative to the others; None: all alike. Yang et al.
            drew contextdm1 and contextdm2 five times as often.
        noise: density of the noise in every input.
        coherences: deviations of two strengths from their mean, where they are shown at once.
        delayed_coherences: the same where one follows the other.
        fixation, stimulus, delay, second, wait, response: the phases, as long as the rule has them.
        dt: length of a time step, ms.

    Example:
        >>> task = Yang2019(rules=("delaygo", "delayanti"))
        >>> trials = task.trials(2, rule=["delaygo", "delayanti"], angle=90.0, delay_quantile=1.0)
        >>> trials.conditions["answer_direction"].tolist(), trials.conditions["delay"].tolist()
        ([90.0, 270.0], [1600.0, 1600.0])
        >>> len(task.inputs), len(task.outputs)
        (85, 33)
    """

    responses = Ring("response")
    rings = (*Ring("ring1"), *Ring("ring2"))
    cues = tuple(f"rule_{name}" for name in NAMES)
    inputs = ("fixation", *rings, *cues)
    outputs = ("fixation", *responses)
    choices = ()
    go_cue = "response"
    hard = dict(noise=0.05)
    expected_score = None
    function = "context and rules"
    aliases = ("yang19", "yang20", "twenty_rules")

    rules: tuple[str, ...] = NAMES
    weights: tuple[float, ...] | None = None
    noise: float = 0.01 * 0.2**0.5
    coherences: tuple[float, ...] = (0.01, 0.02, 0.04, 0.08)
    delayed_coherences: tuple[float, ...] = (0.08, 0.16, 0.32)
    fixation: Duration = Derived()
    stimulus: Duration = Derived()
    delay: Duration = Derived()
    second: Duration = Derived()
    wait: Duration = Derived()
    response: Duration = Derived()

    def __post_init__(self):
        rules = plain(self.rules)
        for rule in rules if isinstance(rules, tuple) else ():
            choose("rules", rule, NAMES)
        if not isinstance(rules, tuple) or not 0 < len(rules) == len(set(rules)):
            raise ValueError(f"`rules` must be a tuple of different names, got {rules!r}.")
        for name in ("coherences", "delayed_coherences"):
            values = plain(getattr(self, name))
            for value in values if isinstance(values, tuple) else ():
                number(name, value, low=0.0, high=0.8, above=True)
            Levels(values, name=name)  # refuses what is no tuple, or none of different values
        super().__post_init__()

    @property
    def decision_rule(self):
        return PopulationVector("response", self.responses, window=self.dt, hold=False)

    @property
    def psychometric_axis(self):
        compare = (rules_of(np.array(self.rules)).kind == "compare").all()
        return "coherence" if compare else "rule"

    def factors(self):
        return dict(
            rule=Levels(self.rules, weights=self.weights),
            angle=Uniform(0.0, 360.0),  # of the first stimulus; dmc shows the nearest of ten
            apart=Uniform(0.0, 1.0),  # quantile of the angle from there to the second
            match=(False, True),
            first_ring=Levels((1, 2), 1, 2),
            second_ring=Levels((1, 2), 1, 2),
            mean=Uniform(0.8, 1.2),
            evidence=Uniform(-1.0, 1.0),  # quantile of the coherence; above 0 the first is stronger
            ignored_mean=Uniform(0.8, 1.2),
            ignored_evidence=Uniform(-1.0, 1.0),
            first_balance=Uniform(-1.0, 1.0),  # whether ring 1 or 2 shows more of it
            second_balance=Uniform(-1.0, 1.0),
            **{f"{phase}_quantile": Uniform(0.0, 1.0) for phase in PHASES},
        )

    def derive(self, c):
        rule = rules_of(c.rule)
        first, second = self._directions(c, rule.course)
        coherence = self._coherence(c.evidence, rule.course)
        answer = np.where(coherence > 0, first, second)
        answer = np.select([rule.kind == "go", rule.kind == "match"], [first, second], answer)
        return dict(
            first_direction=first,
            second_direction=second,
            coherence=coherence,
            **self._strengths(c, rule, coherence),
            answer_direction=(answer + rule.turn) % 360.0,
            withhold=(rule.kind == "match") & (c.match != rule.due),
            **{phase: self._time(phase, c, rule.course) for phase in PHASES},
        )

    def _time(self, phase, c, course):
        """Duration of a phase in ms, 0 where the course has none."""
        grid, ms = max(self.dt, 20.0), np.zeros(len(course))
        for name in np.unique(course):
            law, _ = COURSES[name].get(phase, (Levels((0,)), ""))
            here, quantile = course == name, c[f"{phase}_quantile"]
            if isinstance(law, Levels):
                ms[here] = pick(law.values, quantile[here])
            else:
                drawn = law.low + quantile[here] * (law.high - law.low)
                ms[here] = np.rint(drawn / grid) * grid
        return ms

    def _directions(self, c, course):
        """Directions of both stimuli; the categories of dmc, 18 ... 342, are parted at 180."""
        dms, dmc = course == "dms", course == "dmc"
        apart = np.where(dms, 20.0 + 320.0 * c.apart, 90.0 + 180.0 * c.apart)
        second = (c.angle + np.where(dms & c.match, 0.0, apart)) % 360.0
        ten = 18.0 + 36.0 * np.arange(10)
        sample = pick(ten, c.angle / 360.0)
        test = pick(ten[:5], c.apart) + 180.0 * ((sample > 180.0) == c.match)
        return np.where(dmc, sample, c.angle), np.where(dmc, test, second)

    def _coherence(self, evidence, course):
        """What the first strength has more than the mean; 0 where nothing is compared."""
        at_once, in_turn = (
            pick(sizes, np.abs(evidence)) for sizes in (self.coherences, self.delayed_coherences)
        )
        size = np.select([course == "dm", course == "delaydm"], [at_once, in_turn], 0.0)
        return np.where(evidence < 0, -size, size)

    def _strengths(self, c, rule, coherence):
        """Strength of each stimulus on each ring; arrays here are (trial, stimulus)."""
        sign, ring = np.array([1.0, -1.0]), rule.ring[:, None]
        compare = (rule.kind == "compare")[:, None]
        other = self._coherence(c.ignored_evidence, rule.course)
        strength = np.where(compare, c.mean[:, None], 1.0) + coherence[:, None] * sign
        ignored = c.ignored_mean[:, None] + other[:, None] * sign
        ignored = ignored * rule.ignored[:, None]
        place = np.where(ring > 0, ring, np.stack([c.first_ring, c.second_ring], 1))
        # Shown on both rings, a stimulus is 20 to 80 % of its strength stronger on one of them.
        balance = np.stack([c.first_balance, c.second_balance], 1)
        more = np.where(balance < 0, -1, 1) * (0.2 + 0.6 * np.abs(balance))
        strengths = {}
        for at, half in ((1, 0.5), (2, -0.5)):
            both = strength * (1 + half * more)
            shown = np.select([ring == 3, place == at], [both, strength], ignored)
            strengths[f"first_strength_{at}"] = shown[:, 0]
            strengths[f"second_strength_{at}"] = shown[:, 1] * (rule.kind != "go")
        return strengths

    def build(self, t: Canvas):
        c = t.conditions
        course = rules_of(c.rule).course
        t.input(self.inputs, 0.0, noise=self.noise)
        t.input("fixation", until="response")
        t.input("fixation", np.isin(course, ("react", "dms", "dmc")), phase="response")
        t.input(self.cues, c.rule[:, None] == RULES.name)
        pictures = {"1": self._picture(c, "first"), "2": self._picture(c, "second")}
        for phase in ("stimulus", "second", "response"):
            on = np.array([COURSES[name].get(phase, (0, ""))[1] for name in course])
            parts = ((np.char.find(on, which) >= 0)[:, None] * pictures[which] for which in "12")
            t.input(self.rings, sum(parts), phase=phase)
        t.target(self.responses, 0.05, until="response", grace=100.0)
        t.target("fixation", 0.8, until="response", grace=100.0, weight=2.0)
        due = dict(phase="response", grace=100.0)
        bump = dict(high=0.85, low=0.05, weight=5.0, withhold=c.withhold)
        t.target_direction(self.responses, c.answer_direction, **bump, **due)
        t.target("fixation", np.where(c.withhold, 0.8, 0.05), weight=10.0, **due)

    def _picture(self, c, stimulus):
        """Activity of both rings, (trial, channel), while a stimulus is on."""
        bump = 0.8 * self.responses.bump(c[f"{stimulus}_direction"])
        return np.concatenate([c[f"{stimulus}_strength_{at}"][:, None] * bump for at in (1, 2)], 1)

    def observe(self, seen: Seen):
        # Parts the times in which something is on, and fits all directions to each.
        rule = RULES[seen.mean(self.cues).argmax(1)]
        weigh = np.array([[1, 1], [1, 0], [0, 1], [1, 1]])[rule.ring]
        grid = np.arange(360.0)
        runs, fits = self._runs(seen), []
        for run in runs:
            rings = seen.mean(self.rings, run).reshape(-1, 2, 32)
            fits.append(np.einsum("nr,nrc->nc", weigh, rings) @ self.responses.bump(grid).T)
        one, two = (grid[fit.argmax(1)] for fit in fits)
        same_side, near = (one < 180) == (two < 180), circular_distance(one, two) < 10
        same = np.where(rule.course == "dmc", same_side, near)
        match, react = rule.kind == "match", rule.course == "react"
        go = np.select([match, react], [run.argmax(1) for run in reversed(runs)], seen.go)
        answer = np.where(match, two, grid[np.maximum(*fits).argmax(1)]) + rule.turn
        when = seen.between(go, seen.n_steps)
        return seen.point(self.responses, answer, when, match & (same != rule.due))

    def _runs(self, seen):
        """Steps at which a stimulus is on for the first time, and later on, each (row, time)."""
        rings = seen[self.rings].reshape(seen.n_rows, -1, 2, 32).sum(2)
        on = (rings @ self.responses.bump(self.responses.directions)).max(2) > 0.7
        run = (on & ~np.pad(on, ((0, 0), (1, 0)))[:, :-1]).cumsum(1)
        return on & (run == 1), on & (run > 1)


def rules_of(names):
    """Return the row of RULES of each trial."""
    return RULES[(names[:, None] == RULES.name).argmax(1)]


def pick(values, quantile):
    """Return the values at quantiles in [0, 1], each as likely as the others."""
    place = np.minimum((quantile * len(values)).astype(int), len(values) - 1)
    return np.asarray(values, float)[place]


if __name__ == "__main__":
    Yang2019().plot(rule="delaygo").savefig("yang2019.png")
