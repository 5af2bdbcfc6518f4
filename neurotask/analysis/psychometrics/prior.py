"""What is supposed of a curve before its data are seen: bounds, priors, fixed values."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from neurotask._checks import choose, number
from neurotask.analysis.psychometrics.counts import Counts, Form
from neurotask.analysis.psychometrics.likelihood import Posterior
from neurotask.analysis.psychometrics.parameters import PLACE, Frame, coordinate, wide
from neurotask.analysis.psychometrics.priors import IMPOSSIBLE, Beta, Density, Prior
from neurotask.analysis.psychometrics.settings import Settings
from neurotask.analysis.psychometrics.sigmoids import SIGMOIDS, Sigmoid

# In units of half the range of the levels, from its middle: as far again as the levels reach.
_LOCATION = (-2.0, 2.0)
# The shallowest scale in the same unit, and the steepest in units of the narrowest gap.
_SHALLOWEST, _STEEPEST = 10.0, 1 / 20
# The most that an asymptote may lie off 0 or 1; a free guess rate of the n-AFC form may reach
# further, and the lapse rate then keeps to half of what is left at a guess rate of 1/2.
_MOST, _MOST_GUESS, _MOST_LAPSE = 0.5, 0.7, 0.25
_MOST_ETA = 0.9
_USUAL = Beta(1.0, 10.0)
_PROPORTIONS = {"guess_rate": 2, "lapse_rate": 3, "overdispersion": 4}  # numbers of parameters


def pose(counts: Counts, settings: Settings) -> tuple[Posterior, Frame]:
    """Return the posterior of the curve, in a coordinate of order one, and that coordinate."""
    sigmoid = _sigmoid(settings, counts.form)
    log = _logarithmic(settings, counts, sigmoid)
    u = coordinate(counts.levels["x"].to_numpy(), log)
    ends = np.array([u[np.isfinite(u)].min(), u.max()])
    frame = Frame(float(ends.mean()), float(np.ptp(ends) / 2), log)
    v = (u - frame.middle) / frame.unit
    guess = _guess(counts, settings.guess_rate)
    lapse = _lapse(counts.form, guess, settings.lapse_rate)
    if settings.equal_asymptotes:
        lapse = _one_for_both(counts.form, settings, lapse)
    eta = (0.0, _MOST_ETA if settings.overdispersion else 0.0)
    posterior = Posterior(
        u=v,
        n=counts.levels["n_trials"].to_numpy(),
        k=counts.levels["n_positive"].to_numpy(),
        sigmoid=sigmoid,
        bounds=np.array([_LOCATION, _scales(v), guess, lapse, eta]),
        priors=_priors(settings.priors, counts.form, sigmoid, frame),
        equal=settings.equal_asymptotes,
    )
    _check_possible(posterior, PLACE[counts.form])
    return posterior, frame


def _sigmoid(settings: Settings, form: Form) -> Sigmoid:
    given = settings.sigmoid
    if isinstance(given, Sigmoid):
        return given
    linear = form == "signed" or settings.log is False
    if given is None:
        usual = "weibull" if form == "nafc" and not linear else "cumulative_gaussian"
        return SIGMOIDS[usual]
    # The Weibull function is one of a strength's logarithm.
    return SIGMOIDS[choose("sigmoid", given, [n for n in SIGMOIDS if n != "weibull" or not linear])]


def _logarithmic(settings: Settings, counts: Counts, sigmoid: Sigmoid) -> bool:
    usual = counts.form == "nafc" or sigmoid.name == "weibull"
    log = usual if settings.log is None else settings.log
    x = counts.levels["x"]
    if log and counts.form == "signed":
        raise ValueError(
            "`log` must be False for a signed curve, whose stimuli pass through zero, got True. "
            'Leave it out, or ask for form="nafc" or form="yes_no".'
        )
    if log and x.min() < 0:
        raise ValueError(
            f"`log` must be False where levels are negative, got True with {x.min():g}. "
            "Leave it out."
        )
    return log


def _scales(v: np.ndarray) -> tuple[float, float]:
    gap = np.diff(np.sort(v[np.isfinite(v)])).min()
    return float(np.log(gap * _STEEPEST)), float(np.log(_SHALLOWEST))


def _guess(counts: Counts, guess_rate: Any) -> tuple[float, float]:
    nafc = counts.form == "nafc"
    if isinstance(guess_rate, tuple):
        return _bounds("guess_rate", guess_rate, 0.9 if nafc else _MOST)
    if guess_rate == "free" or (guess_rate is None and not nafc):
        return (0.0, _MOST_GUESS if nafc else _MOST)
    if guess_rate is not None:
        value = number("guess_rate", guess_rate, low=0, high=0.9 if nafc else _MOST)
        return (value, value)
    if counts.n_choices is None:
        raise ValueError(
            '`guess_rate` must be a number where the data have no attribute "choices", got None. '
            'Give 1 / (number of alternatives), as in guess_rate=0.5, or guess_rate="free".'
        )
    return (1 / counts.n_choices, 1 / counts.n_choices)


def _lapse(form: Form, guess: tuple[float, float], lapse_rate: Any) -> tuple[float, float]:
    if isinstance(lapse_rate, tuple):
        return _bounds("lapse_rate", lapse_rate, _MOST)
    if lapse_rate is not None:
        value = number("lapse_rate", lapse_rate, low=0, high=_MOST)
        return (value, value)
    if form != "nafc":
        return (0.0, _MOST)
    return (0.0, _MOST_LAPSE if guess[0] < guess[1] else (1 - guess[1]) / 2)


def _bounds(name: str, given: tuple[Any, ...], most: float) -> tuple[float, float]:
    if len(given) == 2:
        low, high = (number(name, one, low=0, high=most) for one in given)
        if low < high:
            return (low, high)
    raise ValueError(
        f"`{name}` must be a number, or two bounds (low, high) with low < high, got {given!r}. "
        "Give (0.0, 0.1), for example."
    )


def _one_for_both(
    form: Form, settings: Settings, lapse: tuple[float, float]
) -> tuple[float, float]:
    if form == "nafc" or settings.guess_rate is not None:
        got = 'form "nafc"' if form == "nafc" else f"guess_rate={settings.guess_rate!r}"
        raise ValueError(
            "`equal_asymptotes` must be False where the guess rate is given or 1 / n, got True "
            f"with {got}. Say `lapse_rate` alone, which then is both."
        )
    return lapse


def _priors(given: Any, form: Form, sigmoid: Sigmoid, frame: Frame) -> dict[int, Prior]:
    """The priors by the number of the parameter, in the coordinate of the posterior."""
    place = PLACE[form]
    known = (place, "width", *_PROPORTIONS)
    if given is not None and not isinstance(given, Mapping):
        raise TypeError(
            f"`priors` must be a dict from the name of a figure to its prior, got {given!r}. "
            "Give {'lapse_rate': (1.0, 10.0)}, for example."
        )
    usual = {"lapse_rate": _USUAL, "overdispersion": _USUAL}
    if form != "nafc":
        usual["guess_rate"] = _USUAL
    found: dict[int, Prior] = {_PROPORTIONS[name]: prior for name, prior in usual.items()}
    for name, prior in (given or {}).items():
        choose("priors", name, known)
        number_ = {place: 0, "width": 1}.get(name, _PROPORTIONS.get(name, -1))
        found.pop(number_, None)
        if prior is not None:
            found[number_] = _prior(name, prior, number_, sigmoid, frame)
    return found


def _check_possible(posterior: Posterior, place: str) -> None:
    """Raise if a prior leaves no value between the bounds of its parameter."""
    names = {0: place, 1: "width"} | {number_: name for name, number_ in _PROPORTIONS.items()}
    for number_, prior in posterior.priors.items():
        low, high = posterior.bounds[number_]
        if low < high and (prior.log(np.linspace(low, high, 1001)) <= IMPOSSIBLE / 2).all():
            raise ValueError(
                f"`priors` must allow values of {names[number_]!r} that the levels can tell, got "
                "one that allows none of them. Check its unit, which is that of the stimulus."
            )


def _prior(name: str, given: Any, place: int, sigmoid: Sigmoid, frame: Frame) -> Prior:
    if hasattr(given, "pmf"):
        raise TypeError(
            f"`priors` must give a continuous distribution for {name!r}, got a discrete one. Give "
            "one with `logpdf`."
        )
    if hasattr(given, "logpdf"):
        if place == 0:
            return Density(given, frame.unit, frame.middle, frame.log)
        if place == 1:
            return Density(given, 1.0, np.log(frame.unit * wide(sigmoid, frame.log)), True)
        return Density(given)
    if place < 2:
        raise TypeError(
            f"`priors` must give a distribution with `logpdf` for {name!r}, got {given!r}. "
            "Give one of scipy.stats, as in scipy.stats.norm(0.0, 0.1), or None for a flat one."
        )
    if not isinstance(given, tuple) or len(given) != 2:
        raise TypeError(
            f"`priors` must give two numbers (a, b) of a Beta distribution, a distribution with "
            f"`logpdf`, or None for {name!r}, got {given!r}. Give (1.0, 10.0), for example."
        )
    a, b = (number(f"priors[{name!r}]", value, low=1) for value in given)
    return Beta(a, b)
