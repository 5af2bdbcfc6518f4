"""What a user asked of a psychometric curve."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from neurotask.analysis.psychometrics.sigmoids import Sigmoid


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The arguments of `psychometric` that shape the curve; it says what each is."""

    sigmoid: str | Sigmoid | None = None
    log: bool | None = None
    guess_rate: Any = None
    lapse_rate: Any = None
    equal_asymptotes: bool = False
    overdispersion: bool = False
    priors: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        for name in ("equal_asymptotes", "overdispersion"):
            if not isinstance(getattr(self, name), bool):
                raise TypeError(f"`{name}` must be True or False, got {getattr(self, name)!r}.")
        if self.log not in (None, True, False):
            raise TypeError(f"`log` must be True, False or None, got {self.log!r}.")
