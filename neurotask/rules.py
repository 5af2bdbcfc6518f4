"""The learning rules: `neurotask.rules.BPTT()`."""

from neurotask.backend.rules import BPTT as BPTT
from neurotask.backend.rules import LearningRule as LearningRule
