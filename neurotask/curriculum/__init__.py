"""Curricula: which task a network is trained on next, given how well it does."""

from neurotask.curriculum.adaptive import Adaptive as Adaptive
from neurotask.curriculum.controls import Blocked as Blocked
from neurotask.curriculum.controls import Shuffled as Shuffled
from neurotask.curriculum.curriculum import Curriculum as Curriculum
from neurotask.curriculum.learning_progress import LearningProgress as LearningProgress
from neurotask.curriculum.measures import Evaluation as Evaluation
from neurotask.curriculum.stage import Stage as Stage
from neurotask.curriculum.staircase import Staircase as Staircase
from neurotask.curriculum.staircase_run import StaircaseRun as StaircaseRun
