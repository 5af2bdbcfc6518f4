"""What learns: units, connectivity, dynamics, models and rules.

Settings, dynamics and `simulate` are NumPy; models, kernels, losses and rules load TensorFlow.
"""
