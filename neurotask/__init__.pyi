__version__: str

from . import analysis as analysis
from . import backend as backend
from . import data as data
from . import rules as rules
from .backend.connectivity import Connectivity as Connectivity
from .backend.files import load_model as load_model
from .backend.models.rate import RateRNN as RateRNN
from .backend.units import Units as Units
from .canvas import Canvas as Canvas
from .decisions import Argmax as Argmax
from .decisions import DecisionRule as DecisionRule
from .decisions import Distance as Distance
from .decisions import Threshold as Threshold
from .distributions import Duration as Duration
from .distributions import Levels as Levels
from .distributions import Remainder as Remainder
from .distributions import TruncatedExponential as TruncatedExponential
from .distributions import Uniform as Uniform
from .distributions import signed as signed
from .load import load as load
from .phases import Phases as Phases
from .task import Task as Task
from .trials import Trials as Trials
