"""Tasks as environments: spaces, seeds, what actions do, and the closed loop."""

import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest

import neurotask as nt
from neurotask._streams import Stream
from neurotask.load import library

gymnasium = pytest.importorskip("gymnasium")
check_env = pytest.importorskip("gymnasium.utils.env_checker").check_env

RDM = nt.load("rdm", noise=0.0)
LIBRARY = library()


@dataclass(frozen=True, kw_only=True)
class GoOrNot(nt.Task):
    """Press, or do not; fixation must be held until then."""

    inputs = ("fixation", "light")
    outputs = ("fixation", "press")
    decision_rule = nt.Argmax("press_time")
    light: nt.Duration = 60.0
    press_time: nt.Duration = 60.0
    after: nt.Duration = 40.0

    def factors(self):
        return dict(go=(False, True))

    def build(self, t):
        t.input("fixation", until="press_time")
        t.input("light", t.conditions.go, phase="light")
        t.hold(until="press_time")
        t.target_choice(np.zeros(t.n_trials, int), phase="press_time", withhold=~t.conditions.go)


@dataclass(frozen=True, kw_only=True)
class Bandit(nt.Task):
    """Two arms in a block: what was chosen, and what it paid, is shown at the end of a trial."""

    inputs = ("fixation", "chosen", "reward")
    outputs = ("fixation", "a", "b")
    decision_rule = nt.Argmax("choose")
    trials_per_block: int = 4
    noise: float = 0.1
    wait: nt.Duration = 40.0
    choose: nt.Duration = 60.0
    result: nt.Duration = nt.Levels((20.0, 60.0))

    def factors(self):
        return dict(arm=nt.OwnChoice(("a", "b")), luck=nt.Uniform(0.0, 1.0))

    def block_factors(self):
        return dict(best=("a", "b"))

    def derive(self, c):
        chosen = np.where(c.arm == "observer", c.best, c.arm)
        return dict(chosen=chosen, paid=(chosen == c.best) & (c.luck < 0.8))

    def build(self, t):
        c = t.conditions
        t.input("fixation", 1.0, until="choose", noise=self.noise)
        shown = np.select([c.chosen == "a", c.chosen == "b"], [-1.0, 1.0], 0.0)
        t.input("chosen", shown, phase="result", noise=self.noise)
        t.input("reward", c.paid, phase="result", noise=self.noise)
        t.hold(until="choose")
        t.target_choice((c.best == "b").astype(int), phase="choose")


def play(env, policy, **reset):
    """Act until the end; return the observations, rewards and infos."""
    seen, info = env.reset(**reset)
    observed, rewards, infos = [seen], [], [info]
    for step in range(10_000):
        seen, reward, over, truncated, info = env.step(policy(step, infos[-1]))
        assert not truncated
        rewards.append(reward)
        infos.append(info)
        if over:
            return np.array(observed), rewards, infos
        observed.append(seen)
    raise AssertionError("it never ended")


def wanted(step, info):
    return info["gt"]


def waiting(step, info):
    return 0


def decided(infos):
    return [info["behavior"] for info in infos if "behavior" in info]


# Ramps to a threshold reach above 1, which does not fit into the space that gymnasium recommends.
@pytest.mark.filterwarnings("ignore:.*symmetric and normalized space")
@pytest.mark.parametrize("name", LIBRARY)
def test_gymnasium_finds_nothing_wrong(name):
    check_env(LIBRARY[name]().env(), skip_render_check=True)


@pytest.mark.parametrize("name", LIBRARY)
def test_acting_as_wanted_is_correct(name):
    task = LIBRARY[name]()
    if any(isinstance(factor, nt.OwnChoice) for factor in task.varying.values()):
        task = task.replace(**task.easy)  # else what is wanted is at times unlucky
    env = task.env()
    scores = []
    for seed in range(3):
        _, rewards, infos = play(env, wanted, seed=seed)
        scores += [told["correct"] for told in decided(infos)]
        assert sum(rewards) == pytest.approx(
            sum(1.0 if s == 1 else 0.0 for s in scores[-len(decided(infos)) :])
        )
    assert np.nanmean(scores) == 1.0


def test_spaces_and_observations():
    env = RDM.env()
    assert env.action_space == gymnasium.spaces.Discrete(3)
    assert env.observation_space.shape == (3,) and env.observation_space.dtype == np.float32
    observed, _, infos = play(env, wanted, seed=7)
    trials = RDM.batch(1, seed=7, stream=Stream.ENVIRONMENT, index=0)
    assert np.array_equal(observed, trials.inputs[0, : len(observed)])
    assert [info["new_trial"] for info in infos] == [True] + [False] * (len(infos) - 1)
    assert (
        len(decided(infos)) == 1
        and decided(infos)[0]["coherence"] == trials.columns["coherence"][0]
    )


def test_actions_that_are_values():
    task = nt.load("memory_guided_response", n_directions=8, noise=0.0)
    env = task.env()
    assert env.action_space.shape == (9,)
    _, rewards, infos = play(env, lambda step, info: info["gt"].astype(float), seed=1)
    told = decided(infos)[0]
    assert told["outcome"] == "correct" and told["error"] < 1.0 and rewards[-1] == 1.0
    _, rewards, infos = play(env, lambda step, info: info["gt"] * np.eye(9)[0], seed=1)
    assert decided(infos)[0]["outcome"] == "no_response" and not any(rewards)


def test_the_seed_of_reset_makes_the_episodes():
    one, other = RDM.replace(noise=0.1).env(), RDM.replace(noise=0.1).env()
    runs = [play(env, wanted, seed=3)[0] for env in (one, other, one)]
    assert np.array_equal(runs[0], runs[1]) and np.array_equal(runs[0], runs[2])
    following = [play(env, wanted)[0] for env in (one, other)]
    assert np.array_equal(*following) and not np.array_equal(following[0], runs[0])
    assert not np.array_equal(play(one, wanted, seed=4)[0], runs[0])
    # Episodes are trials that neither training nor evaluation shows.
    shown = RDM.replace(noise=0.1).trials(1, seed=3).inputs[0]
    assert not np.array_equal(shown[: len(runs[0])], runs[0])


def test_many_environments_at_once():
    envs = gymnasium.vector.SyncVectorEnv([lambda: RDM.replace(noise=0.1).env()] * 3)
    seen, info = envs.reset(seed=5)
    assert seen.shape == (3, 3)
    alone = RDM.replace(noise=0.1).env()
    for place in range(3):
        assert np.array_equal(seen[place], alone.reset(seed=5 + place)[0])
    for _ in range(20):
        seen, rewards, over, _, info = envs.step(np.zeros(3, int))
    assert not over.any() and not rewards.any() and info["gt"].tolist() == [0, 0, 0]
    envs.close()


def test_registered_by_name():
    env = gymnasium.make("neurotask/PerceptualDiscrimination-v0", coherences=(0.5,), correct=2.0)
    assert env.unwrapped.task.coherences == (0.5,)
    assert play(env, wanted, seed=0)[1][-1] == 2.0


def test_conditions_held_by_options():
    env = RDM.env()
    held = {"conditions": {"coherence": -0.512, "stimulus": 400.0}}
    observed, _, infos = play(env, wanted, seed=0, options=held)
    assert decided(infos)[0]["coherence"] == -0.512 and decided(infos)[0]["choice"] == "left"
    assert (observed[:, 1] > observed[:, 2]).sum() == 20
    play(env, wanted)  # held in one episode alone
    coherence = {decided(play(env, wanted)[2])[0]["coherence"] for _ in range(8)}
    assert len(coherence) > 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"condition": {}},
            r'`options` must be one of "conditions", got .condition.. Did you mean',
        ),
        ({"conditions": {"coherenc": 0.1}}, r'`coherenc` must be .* Did you mean "coherence"'),
        (
            {"conditions": {"coherence": [0.1, 0.2]}},
            r"`coherence` must be one value or one a trial",
        ),
    ],
)
def test_unknown_options(options, message):
    with pytest.raises(ValueError, match=message):
        RDM.env().reset(seed=0, options=options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"conditions": [1]}, r"`conditions` must be a dict of conditions, got \[1\]. Write"),
        ({"conditions": None}, r"`conditions` must be a dict of conditions, got None. Write"),
        (
            [1],
            r"`options` must be a dict, got \[1\]. Write options={\"conditions\": {name: value}}",
        ),
    ],
)
def test_options_that_are_no_dict(options, message):
    with pytest.raises(TypeError, match=message):
        RDM.env().reset(seed=0, options=options)


@pytest.mark.parametrize("arm", ["a", "observer", [["a", "b", "a", "b"]]])
def test_what_the_subject_does_cannot_be_held(arm):
    message = r"`arm` must be left to who acts in Bandit, since it is the subject's own choice, got"
    with pytest.raises(ValueError, match=message):
        Bandit().env().reset(seed=0, options={"conditions": {"arm": arm}})


def test_an_early_action_breaks_fixation():
    env = GoOrNot().env(aborted=-0.5)
    _, rewards, infos = play(env, lambda step, info: int(step == 1), seed=0)
    assert rewards == [0.0, -0.5] and decided(infos)[0]["outcome"] == "broken_fixation"
    assert decided(infos)[0]["choice"] == "none" and decided(infos)[0]["correct"] == 0
    # Without an output "fixation" nothing says that it was broken: the action is ignored.
    _, rewards, infos = play(RDM.env(), lambda step, info: 1 if step < 5 else info["gt"], seed=1)
    assert decided(infos)[0]["outcome"] in ("correct", "unscored")


@pytest.mark.parametrize(
    ("go", "policy", "outcome", "reward", "steps"),
    [
        (True, wanted, "correct", 1.0, 4),
        (True, waiting, "no_response", -1.0, 6),
        (False, waiting, "correct", 1.0, 6),
        (False, wanted, "correct", 1.0, 6),
        (False, lambda step, info: int(step == 4), "error", -1.0, 5),
    ],
)
def test_outcomes(go, policy, outcome, reward, steps):
    env = GoOrNot().env(wrong=-1.0)
    _, rewards, infos = play(env, policy, seed=0, options={"conditions": {"go": go}})
    told = decided(infos)[0]
    assert told["outcome"] == outcome and rewards == [0.0] * (steps - 1) + [reward]
    assert told["choice"] == ("press" if outcome == "error" or (go and steps == 4) else "none")
    rt = (steps - 1 - 3) * 20.0
    assert told["rt"] == rt if told["choice"] == "press" else np.isnan(told["rt"])


def test_zero_evidence_pays_nothing():
    env = RDM.env(correct=3.0, wrong=1.0)
    _, rewards, infos = play(env, wanted, seed=0, options={"conditions": {"coherence": 0.0}})
    assert rewards[-1] == 0.0 and np.isnan(decided(infos)[0]["correct"])


def test_trial_follows_trial_without_end():
    endless, single = RDM.env(continuing=True), RDM.env()
    seen, info = endless.reset(seed=2)
    rewards = []
    for episode in range(3):
        observed, paid, _ = play(single, wanted, **({"seed": 2} if episode == 0 else {}))
        for place, row in enumerate(observed):
            assert np.array_equal(seen, row) and info["new_trial"] == (place == 0)
            seen, reward, over, _, info = endless.step(info["gt"])
            assert not over
            rewards.append(reward)
        assert rewards[-1] == paid[-1] and info["behavior"]["choice"] in ("left", "right")


def test_an_episode_is_a_block_where_there_are_blocks():
    task = nt.load("n_back", trials_per_block=5, n=1)
    observed, rewards, infos = play(task.env(), wanted, seed=1)
    trials = task.batch(1, seed=1, stream=Stream.ENVIRONMENT, index=0)
    assert np.array_equal(observed, trials.inputs[0])
    told = decided(infos)
    assert [t["trial_in_block"] for t in told] == [*range(5)] and sum(rewards) == 5.0
    starts = [k for k, info in enumerate(infos[:-1]) if info["new_trial"]]
    assert starts == [75 * k for k in range(5)]
    assert [infos[k]["trial"] for k in starts] == [*range(5)]


def follow(arms):
    """Choose these arms in turn (None: wait), in the first step in which one may."""

    def policy(step, info):
        arm = arms[info["trial"]]
        return 0 if arm is None or info["gt"] == 0 else "ab".index(arm) + 1

    return policy


def test_a_choice_changes_only_what_comes_after_it():
    env = Bandit().env()
    arms = ["a", "b", "b", "a"]
    runs = {
        name: play(env, follow(choice), seed=4)
        for name, choice in (
            ("same", arms),
            ("again", arms),
            ("other", ["a", "b", "a", "a"]),
            ("none", ["a", "b", None, "a"]),
        )
    }
    seen, lengths = runs["same"][0], env.episode.row.phases.lengths
    assert np.array_equal(seen, runs["again"][0])
    third = lengths[:2].sum()
    last = third + lengths[2]
    for name, shown in (("other", -1.0), ("none", 0.0)):
        differs = np.flatnonzero((seen != runs[name][0]).any(1))
        assert differs.min() == third + 5 and differs.max() == last - 1  # its result, and no more
        assert runs[name][0][third + 5 : last, 1] - seen[third + 5 : last, 1] == pytest.approx(
            shown - 1.0, abs=1e-6
        )
    told = decided(runs["other"][2])
    assert [t["chosen"] for t in told] == ["a", "b", "a", "a"] == [t["choice"] for t in told]
    assert [t["choice"] for t in decided(runs["none"][2])] == ["a", "b", "none", "a"]
    best = told[0]["best"]
    assert [t["correct"] for t in told] == [float(arm == best) for arm in ("a", "b", "a", "a")]
    # What the row shows in the end is what the task makes of these choices by itself.
    row = Bandit().batch(1, seed=4, stream=Stream.ENVIRONMENT, index=0, conditions={"arm": [arms]})
    assert np.array_equal(seen, row.inputs[0])


def test_durations_must_not_follow_from_a_choice():
    @dataclass(frozen=True, kw_only=True)
    class Punished(Bandit):
        timeout: nt.Duration = nt.Derived()

        def derive(self, c):
            return dict(super().derive(c), timeout=np.where(c.arm == "a", 40.0, 0.0))

    with pytest.raises(
        ValueError, match=r"`arm` must not change how long phases last, but those of P"
    ):
        play(Punished().env(), follow(["a"] * 4), seed=0)


def test_mixtures_are_acted_in_as_their_tasks():
    mix = nt.MultiTask([GoOrNot(), GoOrNot(light=100.0)], names=("short", "long"))
    env = mix.env()
    for name, steps in (("short", 4), ("long", 6)):
        held = {"conditions": {"task": name, "go": True}}
        observed, rewards, infos = play(env, wanted, seed=0, options=held)
        assert len(rewards) == steps and decided(infos)[0]["outcome"] == "correct"
        assert observed[0, 2:].tolist() == [name == "short", name == "long"]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: nt.interop.gymnasium.env("rdm"), TypeError, r"`task` must be a Task, got 'rdm'"),
        (
            lambda: RDM.env(corect=1),
            TypeError,
            r'`corect` must be a setting of an environment, which has "correct", .* Did you mean "correct"',
        ),
        (
            lambda: RDM.env(correct=np.nan),
            ValueError,
            r"`correct` must be a finite number, got nan",
        ),
        (lambda: RDM.env().step(0), RuntimeError, r"`reset` must be called before the first step"),
        (
            lambda: _ended().step(0),
            RuntimeError,
            r"`reset` must be called after the end of an epis",
        ),
        (lambda: _begun().step(3), ValueError, r"`action` must be in Discrete\(3\), got 3"),
        (lambda: _begun().step(None), ValueError, r"`action` must be in Discrete\(3\), got None"),
        (
            lambda: _Unscored().env(),
            ValueError,
            r"`task` must have a decision rule .* but _Unscored",
        ),
        (
            lambda: nt.MultiTask([GoOrNot(), _ByValue()]).env(),
            ValueError,
            r"`task` must be answered by choices throughout or by values throughout",
        ),
    ],
)
def test_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


@dataclass(frozen=True, kw_only=True)
class _Unscored(GoOrNot):
    """No rule says what is right."""

    decision_rule = None


@dataclass(frozen=True, kw_only=True)
class _ByValue(GoOrNot):
    """The outputs themselves are the answer."""

    decision_rule = nt.Distance("press_time", tolerance=0.1)


def _begun():
    env = RDM.env()
    env.reset(seed=0)
    return env


def _ended():
    env = RDM.env()
    play(env, wanted, seed=0)
    return env


def test_without_gymnasium():
    code = (
        "import sys; sys.modules['gymnasium'] = None\n"
        "import neurotask as nt\n"
        "try: nt.load('rdm').env()\n"
        "except ImportError as error: print(error)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    assert told.startswith('`gymnasium` must be installed for environments. Do pip install "neurot')
