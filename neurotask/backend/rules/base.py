"""What a learning rule is: a frozen setting that turns a batch into a change of the weights."""

import inspect
from abc import ABC, abstractmethod
from dataclasses import dataclass, is_dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from neurotask._checks import choose, nearest
from neurotask.backend._types import Tensor
from neurotask.backend.rules.update import Descent, Update
from neurotask.backend.settings import Setting

if TYPE_CHECKING:
    from neurotask.backend.models.base import RecurrentModel


@dataclass(frozen=True, eq=False)
class Batch:
    """A batch on its way through a compiled update.

    Args:
        inputs: (trial, time, input).
        targets: (trial, time, output).
        mask: (trial, time, output).
        present: 1 within a trial, 0 in the padding behind its end, (trial, time).
        noise: key of the update's noise, two whole numbers, or None for none.
    """

    inputs: Tensor
    targets: Tensor
    mask: Tensor
    present: Tensor
    noise: Tensor


@dataclass(frozen=True)
class Price:
    """What a rule takes and needs, for a network of N units, M synapses on each, T steps.

    Args:
        time: order of the time of a step of a trial.
        memory: order of what a trial keeps beside the state of the network.
        causal: whether it needs nothing of later steps.
        local: whether a synapse needs only what its two units have at hand, and a signal sent to
            the unit.
        feedback: what carries errors to the units.
    """

    time: str
    memory: str
    causal: bool
    local: bool
    feedback: str = "any"


class _SignatureOfInit:
    """What `help` shows of a class: the arguments of `__init__`, not those of `__new__`."""

    def __get__(self, _: Any, kind: type) -> inspect.Signature:
        own = inspect.signature(kind.__init__)
        return own.replace(parameters=list(own.parameters.values())[1:])


class LearningRule(Setting, ABC):
    """A learning rule. Its settings are its fields; what it carries along is in its state.

    A rule obeys the model's connectivity because it changes weights only through the gradients of
    raw weights or `Kernel.assign` (effective weights).

    Attributes:
        price: what it takes, for the table of `neurotask rules`; None: it is not listed.
        name: by which `compile(rule=...)` knows it.
        compiled: whether XLA makes it faster at most sizes, so that `engine="auto"` takes it.
    """

    price: ClassVar[Price | None] = None
    name: ClassVar[str] = ""
    compiled: ClassVar[bool] = False

    __signature__ = _SignatureOfInit()

    def __new__(cls, *args: Any, **settings: Any) -> Self:
        """Refuse settings that a rule does not have, with the nearest that it has."""
        known = inspect.signature(cls).parameters
        for name in settings:
            if name in known or any(p.kind is p.VAR_KEYWORD for p in known.values()):
                continue
            if name == "when":
                raise ValueError(
                    f"`when` must be left out with {cls.__name__}, which learns after whole "
                    f"trials. Rules that learn within a trial are {within_trials()}."
                )
            raise TypeError(
                f"`{cls.__name__}` must be given settings that it has, got `{name}`."
                f"{nearest(name, known)}"
            )
        return super().__new__(cls)

    def fuses(self, model: "RecurrentModel") -> bool:
        """Return whether it needs no more of a run than `model.unroll` gives, or kernels do.

        Then kernels may run the loop over time. They are differentiable once.
        """
        return False

    @property
    def advice(self) -> str:
        """What to do where a network diverges while it learns."""
        update = getattr(self, "update", None)
        return (update if isinstance(update, Update) else Descent).advice

    def check(self, model: "RecurrentModel") -> None:
        """Raise a ValueError where a network, with its loss and penalties, cannot be served."""

    def check_batch(self, batch_size: int) -> None:
        """Raise a ValueError where the rule cannot learn from so many trials at once."""

    def traces(self, model: "RecurrentModel") -> int:
        """Return how many numbers the rule keeps for each trial beside the states."""
        return 0

    @abstractmethod
    def init(self, model: "RecurrentModel") -> Any:
        """Return the state that the rule carries from update to update (None for none)."""

    @abstractmethod
    def learn(
        self, model: "RecurrentModel", batch: Batch, state: Any
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Change the weights of a model by one batch; runs inside a compiled graph.

        Returns:
            The loss (), the outputs (trial, time, output), and whether the change was made: it is
            refused where the loss or the change is not finite, so that the network stays good.
        """


def named() -> dict[str, type[LearningRule]]:
    """Return the rules by name: those of the package, and those that a user has defined."""
    found: dict[str, type[LearningRule]] = {}
    waiting = [*LearningRule.__subclasses__()]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if not inspect.isabstract(kind):
            name = kind.__dict__.get("name", kind.__name__.lower())
            if name and (name not in found or kind.__module__.startswith("neurotask.")):
                found[name] = kind  # a name of the package stays its own
    return dict(sorted(found.items()))


def within_trials() -> str:
    """Return the names of the package's rules that can learn within a trial."""
    own = {n: kind for n, kind in named().items() if kind.__module__.startswith("neurotask.")}
    return ", ".join(n for n, kind in own.items() if "when" in inspect.signature(kind).parameters)


def learned(
    rule: LearningRule, model: "RecurrentModel", batch: Batch, state: Any
) -> tuple[Tensor, Tensor, Tensor]:
    """Return what a rule, which may be a user's, returns of a batch; see `LearningRule.learn`."""
    made = rule.learn(model, batch, state)
    if not (isinstance(made, tuple) and len(made) == 3):
        raise TypeError(
            f"`learn` of {type(rule).__name__} must return (loss, outputs, made), got {made!r}."
        )
    return made


def get(rule: Any) -> LearningRule:
    """Return a rule from a rule or its name ("bptt")."""
    if isinstance(rule, LearningRule):
        if not is_dataclass(rule):
            raise TypeError(
                f"`rule` must be of a dataclass, whose settings files keep, got {rule!r}. Write "
                f"@dataclass(frozen=True) above class {type(rule).__name__}."
            )
        return rule
    if isinstance(rule, str):
        rules = named()
        return rules[choose("rule", rule.lower(), rules)]()
    kind = rule if isinstance(rule, type) and issubclass(rule, LearningRule) else None
    instead = "BPTT()" if kind is None else f"{kind.__name__}()"
    raise TypeError(
        f"`rule` must be a learning rule or its name, got {rule!r}. Give rule={instead}."
    )
