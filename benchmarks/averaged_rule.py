"""A learning rule with a memory, and a metric: a bare file, as a user's own code is.

`benchmarks.resume` trains with it, so that what a rule carries from update to update is seen to
come through a kill, and the code that defines it too.
"""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

import neurotask as nt


@dataclass(frozen=True)
class Averaged(nt.rules.LearningRule):
    """Descent along a running average of the gradient, counted in updates.

    Args:
        memory: share of the average that an update keeps.
    """

    memory: float = 0.7

    def init(self, model):
        averages = [tf.Variable(tf.zeros_like(v.value)) for v in model.trainable_variables]
        return {"averages": averages, "count": tf.Variable(tf.zeros((), tf.int64))}

    def learn(self, model, batch, state):
        loss, outputs, gradients = nt.rules.BPTT().gradients(model, batch)
        for average, gradient in zip(state["averages"], gradients, strict=True):
            average.assign(self.memory * average + (1.0 - self.memory) * gradient)
        state["count"].assign_add(1)
        correction = 1.0 - self.memory ** tf.cast(state["count"], model.compute_dtype)
        directions = [average / correction for average in state["averages"]]
        nt.rules.Descent(clip_norm=None).apply(model, (), directions)
        return loss, outputs, tf.constant(True)


def decided(evaluation):
    """Share of the trials in which the network chooses at all."""
    return float(np.mean(evaluation.behavior["choice"] != "none"))
