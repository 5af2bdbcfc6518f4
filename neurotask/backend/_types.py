"""Names for what TensorFlow and Keras do not type (they ship no type information)."""

from typing import Any, TypeAlias

Tensor: TypeAlias = Any
"""A TensorFlow tensor, or what turns into one; its shape is said where it is used."""
