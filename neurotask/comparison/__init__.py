"""Comparisons: networks trained in several ways, in pairs by seed, and the test of what differs."""

from neurotask.comparison.comparison import Comparison as Comparison
from neurotask.comparison.contrasts import paired_contrasts as paired_contrasts
