"""Speed of the package beside plain TensorFlow, Keras and the machine's own matrix products."""
