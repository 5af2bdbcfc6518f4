"""Learning rules, one file a rule; `base.py` says what one is, `composed.py` how most are made."""

from neurotask.backend.rules.base import LearningRule as LearningRule
from neurotask.backend.rules.base import Price as Price
from neurotask.backend.rules.base import get as get
from neurotask.backend.rules.base import named as named
from neurotask.backend.rules.bptt import BPTT as BPTT
from neurotask.backend.rules.composed import Composed as Composed
from neurotask.backend.rules.feedback import Broadcast as Broadcast
from neurotask.backend.rules.feedback import Feedback as Feedback
from neurotask.backend.rules.feedback import KolenPollack as KolenPollack
from neurotask.backend.rules.feedback import LowRank as LowRank
from neurotask.backend.rules.feedback import Random as Random
from neurotask.backend.rules.feedback import SignConcordant as SignConcordant
from neurotask.backend.rules.feedback import Symmetric as Symmetric
from neurotask.backend.rules.force import FORCE as FORCE
from neurotask.backend.rules.kf_rtrl import KFRTRL as KFRTRL
from neurotask.backend.rules.kf_rtrl import ReverseKFRTRL as ReverseKFRTRL
from neurotask.backend.rules.recursive_least_squares import RLS as RLS
from neurotask.backend.rules.rflo import RFLO as RFLO
from neurotask.backend.rules.rtrl import RTRL as RTRL
from neurotask.backend.rules.snap import SnAp0 as SnAp0
from neurotask.backend.rules.snap import SnAp1 as SnAp1
from neurotask.backend.rules.truncated import TruncatedBPTT as TruncatedBPTT
from neurotask.backend.rules.uoro import UORO as UORO
from neurotask.backend.rules.update import ClippedStep as ClippedStep
from neurotask.backend.rules.update import Descent as Descent
from neurotask.backend.rules.update import Update as Update
