"""Noise drawn ahead of the loop: the numbers that each step would draw by itself, under XLA too."""

import numpy as np
import pytest
import tensorflow as tf

import neurotask as nt
from neurotask.backend.drawing import normals_of_steps

NAME = 2**62 + 12345


def of_step(name, update, t, n_trials, size):
    seed = tf.constant([name, update * 2**32 + t], tf.int64)
    return tf.random.stateless_normal((n_trials, size), seed=seed, alg="philox").numpy()


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize(("n_trials", "size"), [(16, 50), (3, 7), (1, 1)])
def test_steps_draw_what_they_would_by_themselves(jit, n_trials, size):
    noise = tf.constant([NAME, 1_000_000_001], tf.int64)
    drawn = tf.function(lambda: normals_of_steps(noise, 12, n_trials, size), jit_compile=jit)()
    assert drawn.shape == (12, n_trials, size)
    for t in (0, 5, 11):
        np.testing.assert_allclose(drawn[t], of_step(*noise.numpy(), t, n_trials, size), atol=3e-6)


def test_several_networks_draw_what_each_would_alone():
    noise = tf.constant([[NAME, 3], [7, 3]], tf.int64)
    drawn = normals_of_steps(noise, 4, 5, 6)
    assert drawn.shape == (4, 2, 5, 6)
    for network in range(2):
        alone = of_step(*noise[network].numpy(), 2, 5, 6)
        np.testing.assert_allclose(drawn[2, network], alone, atol=3e-6)


@pytest.mark.parametrize("rule", ["bptt", "rflo", "force", nt.rules.RFLO(when=1)])
def test_xla_trains_as_the_graph_does(quick, rule):
    losses = {}
    for engine in ("graph", "xla"):
        model = nt.RateRNN.for_task(quick, units=12, noise=0.2, shared_noise=0.1, activation="tanh")
        model.compile("sgd", rule=rule, engine=engine)
        assert model.runs_on == engine
        history = model.fit(quick, updates=6, batch_size=4, segment=1, verbose=0)
        losses[engine] = history.history["loss"]
    np.testing.assert_allclose(losses["xla"], losses["graph"], rtol=1e-4)
