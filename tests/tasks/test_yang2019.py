"""The twenty rules of Yang et al. against a plain re-statement of their table, trial by trial."""

import numpy as np
import pytest

import neurotask as nt
from neurotask.tasks.yang2019 import Yang2019

TWENTY = (
    "fdgo reactgo delaygo fdanti reactanti delayanti dm1 dm2 contextdm1 contextdm2 multidm "
    "delaydm1 delaydm2 contextdelaydm1 contextdelaydm2 multidelaydm dmsgo dmsnogo dmcgo dmcnogo"
).split()
SHORT, DELAY = (200, 400, 600), (200, 400, 800, 1600)
COMPARED = ("dm", "dm1", "dm2")
PHASES = ("fixation", "stimulus", "delay", "second", "wait", "response")


def laws(rule):
    """Return the allowed durations of each phase, ms."""
    none, last = (0,), (500,)
    if rule.startswith("fd"):
        return range(300, 701), range(500, 1501), none, none, none, last
    if rule.startswith("react"):
        return range(500, 2501), none, none, none, none, last
    if rule in ("delaygo", "delayanti"):
        return (300, 500, 700), SHORT, DELAY, none, none, last
    if "delay" in rule:
        return SHORT, SHORT, DELAY, SHORT, range(100, 301), last
    if rule.startswith("dms"):
        return SHORT, SHORT, DELAY, none, none, last
    if rule.startswith("dmc"):
        return SHORT, SHORT, DELAY, none, none, SHORT
    return range(100, 401), (400, 800, 1600), none, none, none, last


def bump(direction):
    """Return 0.8 exp(-d^2 / (2 (pi / 8)^2)) for 32 preferred directions, in radians."""
    apart = np.abs(2 * np.pi * np.arange(32) / 32 - np.deg2rad(direction))
    return 0.8 * np.exp(-0.5 * (np.minimum(apart, 2 * np.pi - apart) / (np.pi / 8)) ** 2)


def restated(rule, c):
    """Return inputs, targets and mask of a trial from its directions, strengths and durations."""
    steps = [int(c[phase]) // 20 for phase in PHASES]
    on1, off1, on2, off2, go, end = np.cumsum(steps)
    inputs, targets, mask = np.zeros((end, 85)), np.full((end, 33), 0.05), np.zeros((end, 33))
    one, two = c["first_direction"], c["second_direction"]
    strength1 = np.array([c["first_strength_1"], c["first_strength_2"]])
    strength2 = np.array([c["second_strength_1"], c["second_strength_2"]])
    stays_on, in_turn = rule[:2] in ("fd", "re"), rule[:3] in ("dms", "dmc")
    for ring in (0, 1):
        part = slice(1 + 32 * ring, 33 + 32 * ring)
        inputs[on1 : end if stays_on else off1, part] += strength1[ring] * bump(one)
        if rule.endswith(COMPARED):
            start, stop = (on2, off2) if "delay" in rule else (on1, off1)
            inputs[start:stop, part] += strength2[ring] * bump(two)
        elif in_turn:
            inputs[go:, part] += strength2[ring] * bump(two)
    inputs[:, 65 + TWENTY.index(rule)] = 1
    inputs[: end if in_turn or rule.startswith("react") else go, 0] = 1
    answer = right_answer(rule, one, two, strength1, strength2)
    targets[: end if answer is None else go, 0] = 0.8
    if answer is not None:
        targets[go:, 1:] += bump(answer % 360)
    mask[5:go], mask[go + 5 :] = 1, 5
    mask[:, 0] *= 2
    return inputs, targets, mask


def right_answer(rule, one, two, strength1, strength2):
    """Return the direction of the right response, None where there should be none."""
    if rule.endswith(COMPARED):
        weigh = {"1": (1, 0), "2": (0, 1)}.get(rule[-1], (1, 1))
        return one if strength1 @ weigh > strength2 @ weigh else two
    if rule.startswith("dm"):
        same = (one < 180) == (two < 180) if "dmc" in rule else np.isclose(one, two)
        return two if same != ("nogo" in rule) else None
    return one + 180 if rule.endswith("anti") else one


@pytest.mark.parametrize("rule", TWENTY)
def test_a_rule_is_that_of_the_table(rule):
    trials = Yang2019(rules=(rule,), noise=0.0).trials(64, seed=1)
    for trial, c in trials.conditions.iterrows():
        for phase, allowed in zip(PHASES, laws(rule), strict=True):
            assert c[phase] in allowed
        inputs, targets, mask = restated(rule, c)
        steps = trials.lengths[trial]
        assert np.abs(trials.inputs[trial, :steps] - inputs).max() < 1e-6
        assert np.abs(trials.targets[trial, :steps] - targets).max() < 1e-6
        assert (trials.mask[trial, :steps] == mask).all()
    if rule.endswith("anti") or rule in ("fdgo", "reactgo", "delaygo"):
        assert not trials.conditions[["second_strength_1", "second_strength_2"]].any(axis=None)
    drawn = trials.conditions[list(PHASES)].nunique()
    assert (drawn >= [min(len(allowed), 3) for allowed in laws(rule)]).all()


def strengths(table, ring):
    return table[f"first_strength_{ring}"], table[f"second_strength_{ring}"]


@pytest.mark.parametrize("rule", [rule for rule in TWENTY if rule[-1] in "12"])
def test_strengths_of_one_attended_ring(rule):
    table = Yang2019(rules=(rule,)).trials(500, seed=2).conditions
    apart = (table["second_direction"] - table["first_direction"]) % 360
    assert 89.9 < apart.min() < 92 and 268 < apart.max() < 270.1
    levels = {0.08, 0.16, 0.32} if "delay" in rule else {0.01, 0.02, 0.04, 0.08}
    attended = int(rule[-1])
    for ring in (1, 2):
        first, second = strengths(table, ring)
        if ring != attended and "context" not in rule:
            assert not first.any() and not second.any()
            continue
        assert set(((first - second).abs() / 2).round(6)) == levels
        mean = (first + second) / 2
        assert mean.min() > 0.799 and mean.max() < 1.201 and mean.std() > 0.1
        agrees = np.sign(first - second) == np.sign(table["coherence"])
        assert agrees.all() if ring == attended else 0.4 < agrees.mean() < 0.6


@pytest.mark.parametrize("rule", ["multidm", "multidelaydm"])
def test_strengths_over_both_rings(rule):
    table = Yang2019(rules=(rule,)).trials(500, seed=2).conditions
    (first_1, second_1), (first_2, second_2) = strengths(table, 1), strengths(table, 2)
    overall = (first_1 + first_2 - second_1 - second_2) / 2
    assert overall.to_numpy() / 2 == pytest.approx(table["coherence"].to_numpy())
    for one, two in ((first_1, first_2), (second_1, second_2)):
        difference = (one - two) / ((one + two) / 2)
        assert difference.abs().min() > 0.199 and difference.abs().max() < 0.801
        assert 0.4 < (difference > 0).mean() < 0.6


def test_directions_of_matches():
    table = nt.load("yang19", rules=("dmsgo", "dmcgo")).trials(2000, seed=3).conditions
    assert table["withhold"].mean() == pytest.approx(0.5, abs=0.04)
    dms, dmc = (table[table["rule"] == rule] for rule in ("dmsgo", "dmcgo"))
    apart = (dms["second_direction"] - dms["first_direction"])[dms["withhold"]] % 360
    assert 19.9 < apart.min() < 21 and 339 < apart.max() < 340.1
    ten = {18 + 36 * place for place in range(10)}
    for name in ("first_direction", "second_direction"):
        assert set(dmc[name]) == ten
        assert dmc[name].value_counts(normalize=True).min() > 0.07
    assert dmc[["first_direction", "second_direction"]].drop_duplicates().shape[0] == 100
    shown = (table[["first_strength_1", "first_strength_2"]] == 1).to_numpy()
    assert (shown.sum(1) == 1).all() and shown[:, 0].mean() == pytest.approx(0.5, abs=0.04)


def test_noise_is_on_every_input_as_in_the_source():
    assert len(Yang2019().inputs) == 85
    given = dict(rule="fdgo", fixation_quantile=0.5, stimulus_quantile=0.5)
    noisy, plain = (task.trials(64, **given) for task in (Yang2019(), Yang2019(noise=0.0)))
    per_step = (noisy.inputs - plain.inputs).std((0, 1))
    assert per_step == pytest.approx(np.full(85, 0.01 * np.sqrt(2 / 0.2)), rel=0.05)


def test_only_the_last_step_is_scored():
    task = Yang2019(rules=("fdgo",))
    trials = task.trials(3, seed=0)
    outputs = np.zeros_like(trials.targets)
    last = trials.lengths - 1
    for trial, turn in enumerate((0.0, 35.0, 37.0)):
        right = trials.conditions["answer_direction"][trial]
        outputs[trial, last[trial], 1:] = bump((right + turn) % 360)
    assert task.behavior(trials, outputs)["correct"].tolist() == [1, 1, 0]
    outputs[np.arange(3), last, 0] = 0.51
    assert task.behavior(trials, outputs)["outcome"].tolist() == ["no_response"] * 3


def test_rules_and_weights():
    task = Yang2019(rules=("dm1", "contextdm1"), weights=(1.0, 5.0))
    assert task.inputs == Yang2019().inputs
    rules = task.trials(3000, seed=0).conditions["rule"]
    assert (rules == "contextdm1").mean() == pytest.approx(5 / 6, abs=0.02)
    assert (task.psychometric_axis, Yang2019().psychometric_axis) == ("coherence", "rule")


@pytest.mark.parametrize(
    "settings, message",
    [
        (dict(rules=("delaygoo",)), '`rules` must be one of .* Did you mean "delaygo"'),
        (dict(rules="delaygo"), "`rules` must be a tuple of different names, got 'delaygo'"),
        (dict(rules=("dm1", "dm1")), "`rules` must be a tuple of different names"),
        (dict(rules=("dm1",), weights=(1.0, 2.0)), "`weights` must hold one number for each"),
        (dict(coherences=(0.0, 0.1)), r"`coherences` must be a number in \(0, 0.8\], got 0.0"),
    ],
)
def test_refused_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        Yang2019(**settings)


@pytest.mark.parametrize("name", ["coherences", "delayed_coherences"])
@pytest.mark.parametrize("values", [(), 5, "ab", ("a", "b"), (0.1, "a"), (0.0,), (0.1, 0.1)])
def test_coherences_are_refused_under_their_name(name, values):
    with pytest.raises(ValueError, match=f"^`{name}` must "):
        Yang2019(**{name: values})


@pytest.mark.parametrize("rules", [5, 0.5, None, (), "dm1", (1,), ([],), ("dm1", "dm1")])
def test_what_is_no_rule_is_refused(rules):
    with pytest.raises(ValueError, match=r"^`rules` must be "):
        Yang2019(rules=rules)
