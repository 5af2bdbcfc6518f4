"""What `neurotask rules` says: the learning rules, what each costs, and its settings.

Rules are classes that need TensorFlow, whose import takes seconds. The list is read from the text
of their files instead; a rule's settings are asked of its class.
"""

import ast
import dataclasses
import inspect
import re
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent / "backend" / "rules"
_PRICE = {"time": "", "memory": "", "causal": False, "local": False, "feedback": "any"}
_LEGEND = """\
Orders are for N units, M synapses on each, O outputs, T steps, and k that credit goes back: time of
a step of a trial, memory beside the states of the network. Causal: it needs nothing of later steps.
Local: a synapse needs what its two units have at hand, and a signal sent to the unit. Feedback:
what carries errors to the units.
`neurotask rules RULE` shows the settings of one."""


@dataclasses.dataclass(frozen=True)
class Listed:
    """A rule of the package as its file describes it; see `backend.rules.base.Price`.

    Args:
        name: by which `--rule` and `compile(rule=...)` know it.
        summary: the first line of its docstring.
        time, memory, causal, local, feedback: its price.
    """

    name: str
    summary: str
    time: str
    memory: str
    causal: bool
    local: bool
    feedback: str


def listed_rules() -> list[Listed]:
    """Return the rules of the package that have a price, by name."""
    found = []
    for file in _FOLDER.glob("*.py"):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                found += _described(node)
    return sorted(found, key=lambda rule: rule.name)


def _described(node: ast.ClassDef) -> list[Listed]:
    """Return the rule that a class defines, nothing where it has no price."""
    values = {
        target.id: one.value
        for one in node.body
        if isinstance(one, ast.Assign)
        for target in one.targets
        if isinstance(target, ast.Name)
    }
    price = values.get("price")
    if not isinstance(price, ast.Call):
        return []
    given = dict(zip(_PRICE, map(ast.literal_eval, price.args), strict=False))
    given |= {str(one.arg): ast.literal_eval(one.value) for one in price.keywords}
    name = ast.literal_eval(values["name"]) if "name" in values else node.name.lower()
    summary = (ast.get_docstring(node) or "").partition("\n")[0]
    return [Listed(name, summary, **(_PRICE | given))]


def list_text() -> str:
    """Return the list of rules as the command line prints it."""

    def entry(rule: Listed) -> str:
        words = [
            f"time {rule.time}",
            f"memory {rule.memory}",
            "causal" if rule.causal else "not causal",
            "local" if rule.local else "not local",
            f"feedback {rule.feedback}",
        ]
        return f"{rule.name}\n    {rule.summary}\n    {'; '.join(words)}"

    return "\n".join([*map(entry, listed_rules()), "", _LEGEND])


def table_lines() -> list[str]:
    """Return the rows of the same list as a table in Markdown, as the page on rules has it."""
    names = ("rule", "time a step", "memory", "causal", "local", "feedback")
    yes = {True: "yes", False: "no"}
    cells = [
        (f"`{r.name}`", r.time, r.memory, yes[r.causal], yes[r.local], r.feedback)
        for r in listed_rules()
    ]
    return ["| " + " | ".join(row) + " |" for row in (names, ["---"] * len(names), *cells)]


def rule_text(kind: Any) -> str:
    """Return what a rule is, with its settings and their defaults."""
    lines = [inspect.getdoc(kind) or "", "", "Settings:"]
    fields = [field for field in dataclasses.fields(kind) if field.init]
    for field in fields:
        lines.append(f"  {field.name} = {_default(field)}")
        lines += [f"      {line}" for line in _about(kind, field.name)]
    return "\n".join(lines if fields else [*lines[:-1], "It has no settings."])


def _default(field: Any) -> str:
    missing = field.default is dataclasses.MISSING
    return "(must be given)" if missing else repr(field.default)


def _about(kind: Any, name: str) -> list[str]:
    """Return what the nearest class that describes a setting says of it; nothing if that is `kind`.

    Its own docstring is shown anyway.
    """
    for one in kind.__mro__:
        described = re.search(rf"^ {{4}}{name}: (.+(?:\n {{8}}.+)*)", _doc(one), re.MULTILINE)
        if described:
            lines = described[1].split("\n")
            return [] if one is kind else [line.strip() for line in lines]
    return []


def _doc(kind: Any) -> str:
    return inspect.cleandoc(kind.__dict__.get("__doc__") or "")


def made_rule(name: str, feedback: str | None, when: str | None) -> Any:
    """Return the rule that the options of `train` ask for.

    Args:
        name: of the rule.
        feedback: name of how errors reach the units; None: as the rule has it.
        when: "trial" or a number of steps; None: as the rule has it.
    """
    from neurotask._checks import choose, listed
    from neurotask.backend.rules import named
    from neurotask.backend.rules.feedback import FEEDBACKS

    rules = named()
    kind: Any = rules[choose("--rule", name.lower(), rules)]
    fields = [field.name for field in dataclasses.fields(kind)]
    own = [one for one in fields if one != "feedback" or _has_feedback(kind)]
    given: dict[str, Any] = {}
    for option, value in (("feedback", feedback), ("when", when)):
        if value is not None and option not in own:
            raise ValueError(
                f"`--{option}` must be left out with {name}, which takes none, got {value!r}. Its "
                f"settings are {listed(own)}."
            )
    if feedback is not None:
        given["feedback"] = choose("--feedback", feedback, FEEDBACKS)
    if when is not None:
        given["when"] = _steps(when)
    return kind(**given)


def _has_feedback(kind: Any) -> bool:
    return kind.price is None or kind.price.feedback != "none"


def _steps(when: str) -> str | int:
    """Return "trial", or the number of steps that an option gives."""
    if when == "trial" or (when.isdigit() and int(when) > 0):
        return when if when == "trial" else int(when)
    raise ValueError(
        f"`--when` must be trial or a number of steps, got {when!r}. Give --when 1 to learn at "
        "each step."
    )
