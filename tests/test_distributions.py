"""Laws of factors and durations, against their closed forms."""

import numpy as np
import pytest
from scipy import stats

import neurotask as nt
from neurotask import distributions
from neurotask.distributions import as_factor, plain


def rng():
    return np.random.default_rng(0)


def test_uniform_law():
    draws = nt.Uniform(300.0, 500.0).sample(rng(), 20_000)
    assert stats.kstest(draws, stats.uniform(300.0, 200.0).cdf).pvalue > 0.01


def test_truncated_exponential_law():
    law = nt.TruncatedExponential(mean=330.0, low=80.0, high=1500.0)
    cut = stats.truncexpon(b=(1500.0 - 80.0) / 330.0, loc=80.0, scale=330.0)
    draws = law.sample(rng(), 20_000)
    assert stats.kstest(draws, cut.cdf).pvalue > 0.01
    # The same as drawing plain exponentials until one falls within the bounds.
    plain_draws = rng().exponential(330.0, 200_000)
    kept = plain_draws[(plain_draws >= 80) & (plain_draws <= 1500)]
    assert draws.mean() == pytest.approx(kept.mean(), rel=0.02)


def test_levels_are_equally_likely():
    draws = nt.Levels(("a", "b", "c")).sample(rng(), 30_000)
    _, counts = np.unique(draws, return_counts=True)
    assert stats.chisquare(counts).pvalue > 0.01


def test_weights_say_how_often():
    weights = np.array([0.0, 1.0, 5.0, 2.0, 0.0])
    draws = nt.Levels(tuple("abcde"), weights=weights).sample(rng(), 40_000)
    counts = np.array([(draws == level).sum() for level in "abcde"])
    assert counts[[0, 4]].tolist() == [0, 0]
    assert stats.chisquare(counts[1:4], 40_000 * weights[1:4] / 8).pvalue > 0.01


@pytest.mark.parametrize("probability", [0.0, 0.2, 1.0])
def test_chance(probability):
    draws = nt.chance(probability).sample(rng(), 10_000)
    assert draws.dtype == bool
    assert draws.mean() == pytest.approx(probability, abs=4 * np.sqrt(0.25 / 10_000))
    if probability in (0.0, 1.0):
        assert set(draws) == {bool(probability)}


def test_own_choice_is_the_observers_until_it_is_known():
    factor = nt.OwnChoice(["left", "right"])
    assert factor == nt.OwnChoice(("left", "right")) and hash(factor)
    assert factor.values == ("observer", "left", "right", "none")
    assert set(factor.sample(rng(), 5)) == {"observer"}
    assert as_factor("choice", factor) is factor


def test_signed_has_one_zero():
    assert nt.signed((0.5, 0.0, 0.1)).values == (-0.5, -0.1, 0.0, 0.1, 0.5)
    assert nt.signed((0.1,)).values == (-0.1, 0.1)


@pytest.mark.parametrize(
    "law",
    [
        nt.Uniform(1.0, 2.0),
        nt.TruncatedExponential(600.0, 300.0, 1500.0),
        nt.Levels(("a", "b")),
        nt.Remainder(2000.0),
        nt.signed((0.1, 0.2)),
        nt.Levels([1, 2], weights=np.array([0.5, 2.0])),
        nt.chance(0.25),
        nt.Derived(),
        nt.OwnChoice(["left", "right"]),
    ],
)
def test_repr_is_exact(law):
    assert eval(repr(law), vars(distributions)) == law


def test_plain_makes_python_numbers():
    made = plain(np.array([[1.5, 2.5]], dtype=np.float32))
    assert made == ((1.5, 2.5),) and type(made[0][0]) is float


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nt.Uniform(2.0, 1.0), r"`high` must be `low` \(2\) or more, got 1.0"),
        (lambda: nt.Uniform(np.nan, 1.0), r"`low` must be a finite number, got nan"),
        (
            lambda: nt.TruncatedExponential(0.0, 1.0, 2.0),
            r"`mean` must be a number above 0, got 0.0",
        ),
        (lambda: nt.Levels(()), r"`values` must hold one level or more, got \(\)"),
        (lambda: nt.Levels((1, 1)), r"`values` must differ from each other, got \(1, 1\)"),
        (lambda: nt.signed((1.5,)), r"`coherences` must be a number in \[0, 1\], got 1.5"),
        (lambda: nt.signed(()), r"`coherences` must be a tuple of strengths, got \(\)"),
        (
            lambda: nt.Levels((1, 2), weights=(1.0,)),
            r"`weights` must hold one number for each of the 2 levels, got \(1.0,\)",
        ),
        (
            lambda: nt.Levels((1, 2), weights=(1.0, -1.0)),
            r"`weights` must be a number of 0 or more, got -1.0",
        ),
        (
            lambda: nt.Levels((1, 2), weights=(0.0, 0.0)),
            r"`weights` must not all be 0, got \(0.0, 0.0\)",
        ),
        (lambda: nt.chance(1.2), r"`probability` must be a number in \[0, 1\], got 1.2"),
        (lambda: nt.OwnChoice("left"), r"`choices` must be a tuple of choices, got 'left'"),
        (lambda: nt.OwnChoice(()), r"`choices` must be a tuple of choices, got \(\)"),
        (lambda: nt.Remainder(0.0), r"`total` must be a number above 0, got 0.0"),
    ],
)
def test_bad_settings(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_factor_is_a_tuple_or_a_law():
    with pytest.raises(TypeError, match=r"`context` must be a tuple of levels or a distribution"):
        as_factor("context", "motion")
