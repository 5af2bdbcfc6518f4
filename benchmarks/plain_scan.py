"""The yardstick: the same noisy network trained by a plain `tf.scan` loop, written out by hand."""

import keras
import numpy as np
import tensorflow as tf

from neurotask.backend._types import Tensor


class PlainScan:
    """A leaky rate network with noise, its gradient through `tf.scan`, and Adam.

    Args:
        units: number of units.
        n_inputs: number of input channels.
        n_outputs: number of output channels.
        alpha: dt / tau.
        noise: standard deviation of an unconnected unit.
    """

    def __init__(self, units: int, n_inputs: int, n_outputs: int, alpha: float, noise: float):
        rng = np.random.default_rng(0)
        self._alpha, self._gain = alpha, float(np.sqrt(alpha * (2 - alpha)) * noise)
        self._input = _variable(rng.normal(size=(n_inputs, units)) / np.sqrt(n_inputs))
        self._recurrent = _variable(rng.normal(size=(units, units)) / np.sqrt(units))
        self._output = _variable(rng.normal(size=(units, n_outputs)) / np.sqrt(units))
        self._bias, self._output_bias = _variable(np.zeros(units)), _variable(np.zeros(n_outputs))
        self._start = _variable(np.full(units, 0.1))
        self._variables = [self._input, self._recurrent, self._output]
        self._variables += [self._bias, self._output_bias, self._start]
        self._optimizer = keras.optimizers.Adam()
        self._optimizer.build(self._variables)

    @tf.function(autograph=False)
    def forward(self, inputs: Tensor, key: Tensor) -> Tensor:
        """Return outputs (trial, time, output) for inputs (trial, time, input)."""
        n_trials, n_steps, _ = inputs.shape
        n_units = self._bias.shape[0]

        def step(state: Tensor, now: tuple[Tensor, Tensor]) -> Tensor:
            current, t = now
            seed = tf.stack([key[0], key[1] * 2**32 + t])
            xi = tf.random.stateless_normal((n_trials, n_units), seed, alg="philox")
            drive = tf.matmul(tf.nn.relu(state), self._recurrent.value)
            drive += tf.matmul(current, self._input.value) + self._bias.value
            return (1 - self._alpha) * state + self._alpha * drive + self._gain * xi

        start = tf.broadcast_to(self._start.value, (n_trials, n_units))
        elements = (tf.transpose(inputs, (1, 0, 2)), tf.range(n_steps, dtype=tf.int64))
        rates = tf.nn.relu(tf.scan(step, elements, start))
        outputs = tf.tensordot(rates, self._output.value, 1) + self._output_bias.value
        return tf.transpose(outputs, (1, 0, 2))

    @tf.function(autograph=False)
    def update(self, inputs: Tensor, targets: Tensor, mask: Tensor, key: Tensor) -> Tensor:
        """Change the weights by one batch and return the loss."""
        with tf.GradientTape() as tape:
            outputs = self.forward(inputs, key)
            loss = tf.reduce_sum(mask * tf.square(outputs - targets)) / tf.reduce_sum(mask)
        gradients = tape.gradient(loss, [variable.value for variable in self._variables])
        self._optimizer.apply(gradients, self._variables)
        return loss


def _variable(values: np.ndarray) -> keras.Variable:
    return keras.Variable(values.astype(np.float32))
