"""A small task and small networks."""

import pytest

import neurotask as nt


@pytest.fixture
def quick():
    """A short, easy task: 16 steps."""
    return nt.load(
        "rdm", coherences=(0.25, 0.5), fixation=60.0, stimulus=120.0, decision=140.0, noise=0.01
    )


@pytest.fixture
def network(quick):
    """Return a maker of small compiled networks for the quick task."""

    def make(seed=0, optimizer="adam", rule="bptt", **settings):
        settings = dict(units=nt.Units(10, excitatory=0.8), noise=0.05) | settings
        model = nt.RateRNN.for_task(quick, seed=seed, **settings)
        model.compile(optimizer=optimizer, rule=rule)
        return model

    return make
