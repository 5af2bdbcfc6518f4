"""Learning rules: one file a rule; `base.py` says what a rule is."""

from neurotask.backend.rules.base import LearningRule as LearningRule
from neurotask.backend.rules.base import get as get
from neurotask.backend.rules.bptt import BPTT as BPTT
