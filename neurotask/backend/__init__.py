"""What learns: units, connectivity, models and rules. Importing a part loads TensorFlow."""
