"""Penalties beside the loss: `model.compile(regularizers=[nt.regularizers.RateL2(1e-3)])`."""

from neurotask.backend.regularizers import L1 as L1
from neurotask.backend.regularizers import L2 as L2
from neurotask.backend.regularizers import CustomPenalty as CustomPenalty
from neurotask.backend.regularizers import KerasPenalty as KerasPenalty
from neurotask.backend.regularizers import RateHomeostasis as RateHomeostasis
from neurotask.backend.regularizers import RateL1 as RateL1
from neurotask.backend.regularizers import RateL2 as RateL2
from neurotask.backend.regularizers import Regularizer as Regularizer
