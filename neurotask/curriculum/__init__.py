"""Curricula: which task a network is trained on next, given how well it does."""

from neurotask.curriculum.adaptive import Adaptive as Adaptive
from neurotask.curriculum.curriculum import Curriculum as Curriculum
from neurotask.curriculum.measures import Evaluation as Evaluation
from neurotask.curriculum.stage import Stage as Stage
