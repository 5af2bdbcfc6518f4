"""How synapses start: one file an initializer; `base.py` says what an initializer is.

Nothing here loads Keras until one of Keras' own is asked for.
"""

from neurotask.backend.initializers.balanced import Balanced as Balanced
from neurotask.backend.initializers.base import Initializer as Initializer
from neurotask.backend.initializers.base import folded as folded
from neurotask.backend.initializers.constant import Constant as Constant
from neurotask.backend.initializers.from_keras import Keras as Keras
from neurotask.backend.initializers.gaussian import Gaussian as Gaussian
from neurotask.backend.initializers.given import Given as Given
from neurotask.backend.initializers.identity import Identity as Identity
from neurotask.backend.initializers.lookup import get as get
from neurotask.backend.initializers.orthogonal import Orthogonal as Orthogonal
from neurotask.backend.initializers.spectral_radius import SpectralRadius as SpectralRadius
