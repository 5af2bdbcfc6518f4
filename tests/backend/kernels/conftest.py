"""Leaky networks for kernels, and what they do by a loop over time in float64."""

from dataclasses import dataclass

import numpy as np
import pytest

from neurotask.backend import activations
from neurotask.backend.kernels import run as kernels
from neurotask.backend.kernels.leaky_back import ALL, LASTING, NOTHING, OWN

STEP = 1e-6  # of the finite differences of transfer functions


@dataclass(frozen=True, eq=False)
class Problem:
    """A network, what comes in, its noise, and how a loss depends on what it does."""

    rate_form: bool
    activation: str
    w: kernels.Weights
    inputs: np.ndarray
    noise: np.ndarray | None
    by_outputs: np.ndarray
    by_states: np.ndarray

    @property
    def cell(self):
        return kernels.Cell(self.rate_form, kernels.NAMES.index(self.activation))

    @property
    def given(self):
        """The noise as kernels take it."""
        if self.noise is None:
            return kernels.Noise(0, np.uint64(0), 0, kernels.NONE)
        return kernels.Noise(self.noise.shape[2], np.uint64(0), 0, self.noise)

    def phi(self, x):
        return np.asarray(activations.NUMPY[self.activation](x))

    def slope(self, x):
        return (self.phi(x + STEP) - self.phi(x - STEP)) / (2 * STEP)

    def course(self):
        """Return outputs, states (time, trial, unit) from before the first step on, and a."""
        w = kernels.Weights(*(values.astype(float) for values in self.w))
        x = np.tile(w.start, (len(self.inputs), 1))
        states, received, outputs = [x], [], []
        for t in range(self.inputs.shape[1]):
            r = x if self.rate_form else self.phi(x)
            a = r @ w.recurrent + self.inputs[:, t].astype(float) @ w.input + w.bias
            if self.noise is not None:
                xi = self.noise[:, t].astype(float)
                a = a + (w.private * xi[:, : w.bias.size] if w.private.size else 0)
                a = a + (w.shared * xi[:, -1:] if w.shared.size else 0)
            x = w.leak * x + (w.gain * self.phi(a) if self.rate_form else a)
            states.append(x)
            received.append(a)
            outputs.append((x if self.rate_form else self.phi(x)) @ w.output + w.output_bias)
        return np.stack(outputs, 1), np.stack(states), np.stack(received)

    def loss(self):
        outputs, states, _ = self.course()
        on_states = np.sum(self.by_states * states[1:]) if self.by_states.size else 0.0
        return np.sum(self.by_outputs * outputs) + on_states

    def gradients(self, passes=ALL, every=0):
        """Return the gradients and those of the inputs, by the Jacobian of each step."""
        w = kernels.Weights(*(values.astype(float) for values in self.w))
        total = kernels.Weights(*(np.zeros(values.shape) for values in w))
        by_inputs = np.zeros(self.inputs.shape)
        _, states, received = self.course()
        n_steps, n = self.inputs.shape[1], w.bias.size
        for i in range(len(self.inputs)):
            later = np.zeros(n)  # dL/dx_t by what comes after t
            for t in range(n_steps, 0, -1):
                x, a, before = states[t, i], received[t - 1, i], states[t - 1, i]
                sent = lambda x: x if self.rate_form else self.phi(x)  # noqa: E731
                steep = np.ones(n) if self.rate_form else self.slope(x)
                dz = self.by_outputs[i, t - 1].astype(float)
                g = steep * (w.output @ dz) + later
                g = g + (self.by_states[t - 1, i] if self.by_states.size else 0)
                da = g * w.gain * self.slope(a) if self.rate_form else g
                into = w.gain * self.slope(a) if self.rate_form else np.ones(n)
                out = np.ones(n) if self.rate_form else self.slope(before)
                jacobian = into[:, None] * w.recurrent.T * out
                total.recurrent[:] += np.outer(sent(before), da)
                total.input[:] += np.outer(self.inputs[i, t - 1], da)
                total.output[:] += np.outer(sent(x), dz)
                total.bias[:] += da
                total.output_bias[:] += dz
                total.leak[:] += g * before
                total.gain[:] += g * self.phi(a) if self.rate_form else 0
                if self.noise is not None:
                    xi = self.noise[i, t - 1].astype(float)
                    if w.private.size:
                        total.private[:] += da * xi[:n]
                    if w.shared.size:
                        total.shared[:] += da * xi[-1]
                by_inputs[i, t - 1] = w.input @ da
                way = {
                    ALL: np.diag(w.leak) + jacobian,
                    LASTING: np.diag(w.leak),
                    NOTHING: np.zeros((n, n)),
                    OWN: np.diag(w.leak + np.diag(jacobian)),
                }[passes]
                later = way.T @ g
                if every and t > 1 and (t - 1) % every == 0:
                    later = np.zeros(n)
            total.start[:] += later
        return total, by_inputs


@pytest.fixture
def problem():
    """Return a maker of problems."""

    def make(
        n_trials=5, n_steps=11, n_units=4, n_in=3, n_out=2, *, rate_form=False, activation="tanh",
        private=True, shared=False, states=False, seed=0,
    ):  # fmt: skip
        rng = np.random.default_rng(seed)
        draw = lambda *shape: rng.standard_normal(shape).astype(np.float32)  # noqa: E731
        alpha = rng.uniform(0.1, 0.5, n_units).astype(np.float32)  # a tau of each unit's own
        none = np.zeros(0, np.float32)
        w = kernels.Weights(
            input=draw(n_in, n_units) * 0.5,
            recurrent=draw(n_units, n_units) * np.float32(0.5 / np.sqrt(n_units)),
            output=draw(n_units, n_out),
            bias=draw(n_units) * 0.3,
            output_bias=draw(n_out),
            leak=1 - alpha,
            gain=alpha,
            private=np.abs(draw(n_units)) * 0.2 if private else none,
            shared=np.abs(draw(n_units)) * 0.2 if shared else none,
            start=draw(n_units) * 0.2,
        )
        size = n_units * private + shared
        noise = draw(n_trials, n_steps, size) if size else None
        by_states = draw(n_steps, n_trials, n_units) if states else kernels.NONE
        return Problem(
            rate_form, activation, w, draw(n_trials, n_steps, n_in), noise,
            draw(n_trials, n_steps, n_out), by_states,
        )  # fmt: skip

    return make
