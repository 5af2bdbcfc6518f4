"""Keras' own layers at the same size: SimpleRNN, which can have no noise, and Dense."""

import keras
import tensorflow as tf


class KerasRNN:
    """A SimpleRNN without leak and noise, a linear readout, and Adam."""

    def __init__(self, units: int, n_inputs: int, n_outputs: int):
        recurrent = keras.layers.SimpleRNN(units, activation="relu", return_sequences=True)
        readout = keras.layers.Dense(n_outputs)
        self._model = keras.Sequential([keras.Input((None, n_inputs)), recurrent, readout])
        self._optimizer = keras.optimizers.Adam()
        self._optimizer.build(self._model.trainable_variables)

    @tf.function(autograph=False)
    def update(self, inputs: tf.Tensor, targets: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
        """Change the weights by one batch and return the loss."""
        variables = self._model.trainable_variables
        with tf.GradientTape() as tape:
            outputs = self._model(inputs)
            loss = tf.reduce_sum(mask * tf.square(outputs - targets)) / tf.reduce_sum(mask)
        self._optimizer.apply(tape.gradient(loss, [v.value for v in variables]), variables)
        return loss
