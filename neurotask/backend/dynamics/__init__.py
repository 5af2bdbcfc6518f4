"""How the state of units moves: one file a dynamics; `base.py` says what dynamics are."""

from neurotask.backend.dynamics.base import Dynamics as Dynamics
