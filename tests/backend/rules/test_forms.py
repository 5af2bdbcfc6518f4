"""Credit within a unit has two forms, forward with traces and backward without; they are one."""

import numpy as np
import pytest

import neurotask as nt
from neurotask.backend.importing import import_all
from neurotask.backend.rules import credit
from neurotask.backend.rules.credit.base import Credit
from neurotask.backend.rules.credit.within import LeakyCredit

MASK = np.random.default_rng(5).random((6, 6)) < 0.7
STAGE = nt.FeedForward(7, connectivity=nt.Connectivity(frozen=True))  # not a multiple of the units
NETWORKS = {
    "current": (nt.RateRNN, dict(
        units=nt.Units(6, excitatory=0.5, tau={"E": 100.0, "I": 60.0}), noise=0.2,
        shared_noise=0.1, trainable={"tau": True}, recurrent=nt.Connectivity(mask=MASK),
    )),
    "rate": (nt.RateRNN, dict(
        form="rate", noise=0.2, feedback=nt.Connectivity(), feedforward=STAGE,
        output_activation="sigmoid", trainable={"tau": True, "initial_state": False},
    )),
    "plasticity": (nt.RateRNN, dict(activation="softplus", plasticity=nt.ShortTermPlasticity())),
    "LSTM": (nt.LSTM, dict(feedback=nt.Connectivity())),
    "GRU": (nt.GRU, dict(recurrent=nt.Connectivity(mask=MASK[:5, :5]))),
    "GRU, reset after": (nt.GRU, dict(reset_after=True)),
    "one unit": (nt.RateRNN, dict(units=1)),
    "readout alone": (nt.RateRNN, dict(
        units=4, recurrent=nt.Connectivity(frozen=True), input=nt.Connectivity(frozen=True),
        trainable={"bias": False, "initial_state": False},
    )),
}  # fmt: skip


def local():
    """Return every credit that has both forms."""
    import_all(credit)
    found, waiting = [], [Credit]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind.__module__.startswith("neurotask.") and kind.forward and kind.cut is not None:
            found.append(kind())
    return found


def test_all_that_go_both_ways_are_found():
    assert {type(one).__name__ for one in local()} >= {"LeakyCredit", "Immediate", "Diagonal"}


@pytest.mark.parametrize(("kind", "settings"), NETWORKS.values(), ids=NETWORKS)
def test_forward_is_reverse(kind, settings, network, batch, gradients, apart):
    model = network(kind, **settings)
    rules = [nt.rules.Composed(credit=one, feedback="random") for one in local()]
    asked = [(rule, {"forward": way}) for rule in rules for way in (False, True)]
    got = gradients(model, batch(), *asked)
    for rule, back, forward in zip(rules, got[::2], got[1::2], strict=True):
        assert apart(forward, back) < 1e-10, rule
        assert all(np.isfinite(one).all() for one in back.values())
    names = [name for name in got[0] if "output" not in name and "feedforward" not in name]
    for name in names:
        assert any(np.abs(back[name]).max() > 0 for back in got[::2]), name


def test_a_wrong_form_is_seen(network, batch, gradients, apart, monkeypatch):
    from neurotask.backend.rules.linear import Step

    honest = Step.local

    def forgetful(self):
        decay, gain, own = honest(self)
        return [[0.99 * d for d in row] for row in decay], gain, own

    monkeypatch.setattr(Step, "local", forgetful)
    rule = nt.rules.Composed(credit=LeakyCredit())
    back, forward = gradients(network(), batch(), rule, (rule, {"forward": True}))
    assert apart(forward, back) > 1e-3
