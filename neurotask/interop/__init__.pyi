from . import gymnasium as gymnasium
from . import neurogym as neurogym
from . import nwb as nwb
from . import psychrnn as psychrnn
