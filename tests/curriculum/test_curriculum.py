"""Curricula and stages as settings: what they refuse, how they print, what they are called."""

import dataclasses

import numpy as np
import pytest

import neurotask as nt
from neurotask import Curriculum, Stage
from neurotask.curriculum.log import COLUMNS, as_line, as_table, read_log
from neurotask.tasks.go_no_go import GoNoGo
from neurotask.tasks.perceptual_discrimination import PerceptualDiscrimination
from neurotask.tasks.probabilistic_reversal import ProbabilisticReversal
from neurotask.tasks.reaction_time_discrimination import ReactionTimeDiscrimination

EASY, HARD = (PerceptualDiscrimination(coherences=(c,)) for c in (0.5, 0.1))


def fast(evaluation):
    return 1.0


def test_a_list_of_tasks_is_the_simplest_form():
    curriculum = Curriculum([EASY, HARD], threshold=0.8, every=10, trials=32, passes=2)
    wanted = [Stage(t, threshold=0.8, every=10, trials=32, passes=2) for t in (EASY, HARD)]
    assert curriculum.stages == tuple(wanted)
    assert Curriculum(EASY).stages == (Stage(EASY),)
    assert Curriculum([EASY, Stage(HARD, threshold=0.7)]).stages[1].threshold == 0.7
    assert curriculum.log.empty and list(curriculum.log) == list(COLUMNS)


def test_it_prints_as_the_call_that_makes_it():
    curriculum = Curriculum(
        [EASY, Stage([EASY, HARD], weights=[1, 2], metric=fast, threshold=None, name="both")],
        target=HARD,
    )
    scope = {**globals()}
    assert eval(repr(curriculum), scope) == curriculum
    assert hash(eval(repr(curriculum), scope)) == hash(curriculum)
    assert "every" not in repr(curriculum)
    assert dataclasses.replace(curriculum, target=None).stages == curriculum.stages


def test_stages_are_named_by_what_is_special_of_them():
    assert Curriculum([EASY, HARD]).names == ("coherences 0.5", "coherences 0.1")
    assert Curriculum([EASY, EASY.replace(stimulus=400.0)]).names == (
        "stimulus 800",
        "stimulus 400",
    )
    assert Curriculum([EASY, EASY]).names == (
        "perceptual_discrimination (1)",
        "perceptual_discrimination (2)",
    )
    mixed = Stage([EASY, GoNoGo()])
    assert Curriculum([mixed, Stage(HARD, name="last")]).names == (
        "perceptual_discrimination + go_no_go",
        "last",
    )
    assert Curriculum([EASY, GoNoGo()]).names == ("perceptual_discrimination", "go_no_go")


def test_goal_is_the_target_or_the_last_stage():
    assert Curriculum([EASY, HARD]).goal == HARD
    assert Curriculum([EASY], target=HARD).goal == HARD


REFUSED = [
    (
        lambda: Curriculum([]),
        ValueError,
        r"`stages` must hold one stage or more, got none. Give a list",
    ),
    (
        lambda: Curriculum(3),
        TypeError,
        r"`task` must be a task, a list of tasks or a Staircase .*got 3",
    ),
    (lambda: Stage([]), ValueError, r"`task` must be a task or a list of tasks, got an empty list"),
    (lambda: Stage([EASY, "rdm"]), TypeError, r"`task` must be .*got 'rdm'. Load a task with"),
    (
        lambda: Stage(EASY, threshold=90),
        ValueError,
        r"`threshold` must be a number in \[0, 1\], got 90. It is compared with accuracy",
    ),
    (
        lambda: Stage(EASY, threshold=-0.1, metric="loss"),
        ValueError,
        r"`threshold` must be a number of 0 or more, got -0.1. It is compared with loss",
    ),
    (lambda: Stage(EASY, threshold=np.nan), ValueError, r"`threshold` must be .*got nan"),
    (
        lambda: Stage(EASY, metric="acuracy"),
        ValueError,
        r'`metric` must be one of "accuracy", "loss", .* got \'acuracy\'. Did you mean "accuracy"',
    ),
    (lambda: Stage(EASY, metric="choice"), ValueError, r"`metric` must be one of"),
    (lambda: Stage(EASY, metric=7), TypeError, r"`metric` must be \"accuracy\", \"loss\", .*got 7"),
    (
        lambda: Stage(EASY, every=0),
        ValueError,
        r"`every` must be a whole number of 1 or more, got 0",
    ),
    (lambda: Stage(EASY, trials=0), ValueError, r"`trials` must be a whole number of 1 or more"),
    (lambda: Stage(EASY, passes=0), ValueError, r"`passes` must be a whole number of 1 or more"),
    (
        lambda: Stage(EASY, limit=0),
        ValueError,
        r"`limit` must be a whole number of 1 or more, got 0",
    ),
    (
        lambda: Stage(EASY, on_limit="retreat"),
        ValueError,
        r'`on_limit` must be one of "stop", "back", "advance", got \'retreat\'',
    ),
    (
        lambda: Stage(EASY, rehearsal=1.0),
        ValueError,
        r"`rehearsal` must leave trials for the stage",
    ),
    (lambda: Stage(EASY, rehearsal=-1), ValueError, r"`rehearsal` must be a number in \[0, 1\]"),
    (
        lambda: Stage(EASY, optimizer="forget"),
        ValueError,
        r'`optimizer` must be one of "keep", "reset"',
    ),
    (
        lambda: Stage(EASY, weights=(1,)),
        ValueError,
        r"`weights` must be one for each of several tasks",
    ),
    (
        lambda: Stage([EASY, HARD], weights=(1,)),
        ValueError,
        r"`weights` must be one for each of several tasks, got \(1,\) for 2",
    ),
    (lambda: Stage([EASY, HARD], weights=(0, 0)), ValueError, r"`weights` must not all be 0"),
    (
        lambda: Stage(EASY, below="yes"),
        TypeError,
        r"`below` must be True, False or None, got 'yes'",
    ),
    (
        lambda: Curriculum([Stage(EASY, rehearsal=0.2)]),
        ValueError,
        r"`rehearsal` must not be set in the first stage, got 0.2: there is no stage before it",
    ),
    (
        lambda: Curriculum([Stage(EASY, limit=100, on_limit="back")]),
        ValueError,
        r"`on_limit` must not be set in the first stage, got 'back'",
    ),
    (
        lambda: Curriculum([EASY, HARD.replace(dt=10.0)]),
        ValueError,
        r"`stages` must have one dt, got 10, 20 ms. Give tasks dt=",
    ),
    (
        lambda: Curriculum([EASY], target=Stage(HARD, threshold=None)),
        ValueError,
        r"`target` must be a task, or a Stage of tasks with a threshold, got Stage",
    ),
    (lambda: Curriculum([EASY], target="rdm"), ValueError, r"`target` must be a task, or a Stage"),
    (
        lambda: Curriculum([EASY, Stage(ProbabilisticReversal(), rehearsal=0.1)]),
        ValueError,
        r"`tasks` must not have blocks, but probabilistic_reversal has",
    ),
]


REFUSED += [
    (
        lambda: Stage(EASY, metric="rt", threshold=300.0),
        ValueError,
        r"`metric` must be one that PerceptualDiscrimination has, but rt is NaN in all trials",
    ),
    (
        lambda: Stage(EASY.replace(coherences=(0.0,))),
        ValueError,
        r"`metric` must be one that PerceptualDiscrimination has, but accuracy is NaN",
    ),
    (
        lambda: Stage(EASY, metric="loss"),
        ValueError,
        r"`threshold` must be given for the metric loss: the value at which an evaluation is",
    ),
    (
        lambda: Stage(EASY, on_limit="advance"),
        ValueError,
        r"`limit` must be given where `on_limit` is 'advance', got None. Give limit=500",
    ),
    (
        lambda: Curriculum([Stage(EASY, threshold=None), HARD]),
        ValueError,
        r"`stages` must end where others follow, but 'coherences 0.5' has neither a threshold",
    ),
]


@pytest.mark.parametrize(("make", "error", "message"), REFUSED)
def test_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_a_reaction_time_is_a_metric_and_less_of_it_is_better():
    quick = Stage(ReactionTimeDiscrimination(), metric="rt", threshold=400.0)
    assert quick.is_below and not Stage(EASY).is_below
    assert not Stage(ReactionTimeDiscrimination(), metric="rt", threshold=4.0, below=False).is_below


def test_the_log_comes_back_from_its_file(tmp_path):
    row = dict(update=3, stage=0, name='a, "b"', lesson="", level=np.nan, metric="accuracy")
    row |= dict(value=0.1 + 0.2, threshold=np.nan, passed=False, event="", loss=1e-17)
    row |= dict(trials=2**40, tested=7)
    rows = [row, row | dict(passed=True, level=1 / 3, name="None", event="end")]
    text = as_line(list(COLUMNS)) + "".join(as_line([r[c] for c in COLUMNS]) for r in rows)
    (tmp_path / "log.csv").write_text(text)
    assert read_log(tmp_path / "log.csv").equals(as_table(rows))
    assert as_table([]).dtypes.equals(as_table(rows).dtypes)


def test_a_network_for_a_curriculum_has_all_its_channels():
    curriculum = Curriculum([EASY, GoNoGo()])
    model = nt.RateRNN.for_task(curriculum, units=4)
    assert (tuple(model.input_names), tuple(model.output_names)) == curriculum.channels
    model.compile()
    narrow = nt.RateRNN.for_task(EASY, units=4)
    narrow.compile()
    with pytest.raises(
        ValueError, match=r"`source` must have the model's inputs, but GoNoGo has .*for_task"
    ):
        narrow.fit(curriculum, updates=1)
    with pytest.raises(ValueError, match="`source` must have the model's dt = 20 ms, got 10 ms"):
        narrow.fit(Curriculum([EASY.replace(dt=10.0)]), updates=1)
    with pytest.raises(ValueError, match="`segment` must be left out with a curriculum, got 5"):
        narrow.fit(Curriculum([EASY]), updates=1, segment=5)
    with pytest.raises(TypeError, match="`source` must be a Task or a Curriculum, got 3"):
        narrow.fit(3, updates=1)
    with pytest.raises(TypeError, match="`live` must be True or False, got 1"):
        narrow.fit(EASY, updates=1, live=1)
