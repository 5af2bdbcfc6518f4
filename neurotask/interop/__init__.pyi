from . import gymnasium as gymnasium
from . import neurogym as neurogym
from . import psychrnn as psychrnn
