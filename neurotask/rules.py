"""The learning rules and their parts: `neurotask.rules.BPTT()`."""

from neurotask.backend.rules import BPTT as BPTT
from neurotask.backend.rules import RFLO as RFLO
from neurotask.backend.rules import RTRL as RTRL
from neurotask.backend.rules import Broadcast as Broadcast
from neurotask.backend.rules import ClippedStep as ClippedStep
from neurotask.backend.rules import Composed as Composed
from neurotask.backend.rules import Descent as Descent
from neurotask.backend.rules import Feedback as Feedback
from neurotask.backend.rules import KolenPollack as KolenPollack
from neurotask.backend.rules import LearningRule as LearningRule
from neurotask.backend.rules import LowRank as LowRank
from neurotask.backend.rules import Random as Random
from neurotask.backend.rules import SignConcordant as SignConcordant
from neurotask.backend.rules import SnAp0 as SnAp0
from neurotask.backend.rules import SnAp1 as SnAp1
from neurotask.backend.rules import Symmetric as Symmetric
from neurotask.backend.rules import TruncatedBPTT as TruncatedBPTT
from neurotask.backend.rules import Update as Update
