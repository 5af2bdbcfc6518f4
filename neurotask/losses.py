"""What training minimises: `model.compile(loss=nt.losses.Huber())`."""

from neurotask.backend.losses import BinaryCrossEntropy as BinaryCrossEntropy
from neurotask.backend.losses import CategoricalCrossEntropy as CategoricalCrossEntropy
from neurotask.backend.losses import CustomLoss as CustomLoss
from neurotask.backend.losses import Huber as Huber
from neurotask.backend.losses import Loss as Loss
from neurotask.backend.losses import MeanSquaredError as MeanSquaredError
