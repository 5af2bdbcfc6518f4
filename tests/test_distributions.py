"""Laws of factors and durations, against their closed forms."""

import numpy as np
import pytest
from scipy import stats

import neurotask as nt
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
    ],
)
def test_repr_is_exact(law):
    names = {n: getattr(nt, n) for n in ("Uniform", "TruncatedExponential", "Levels", "Remainder")}
    assert eval(repr(law), names) == law


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
        (lambda: nt.Remainder(0.0), r"`total` must be a number above 0, got 0.0"),
    ],
)
def test_bad_settings(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_factor_is_a_tuple_or_a_law():
    with pytest.raises(TypeError, match=r"`context` must be a tuple of levels or a distribution"):
        as_factor("context", "motion")
