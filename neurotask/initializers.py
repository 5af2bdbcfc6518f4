"""How synapses start: `neurotask.initializers.SpectralRadius(1.1)`."""

from neurotask.backend.initializers import Balanced as Balanced
from neurotask.backend.initializers import Constant as Constant
from neurotask.backend.initializers import Gaussian as Gaussian
from neurotask.backend.initializers import Given as Given
from neurotask.backend.initializers import Identity as Identity
from neurotask.backend.initializers import Initializer as Initializer
from neurotask.backend.initializers import Keras as Keras
from neurotask.backend.initializers import Orthogonal as Orthogonal
from neurotask.backend.initializers import SpectralRadius as SpectralRadius
from neurotask.backend.initializers import folded as folded
