"""Names of channels that another package knows by number alone."""

from collections.abc import Sequence


def channels(kind: str, n: int, names: Sequence[str] | None) -> tuple[str, ...]:
    """Return the names of `n` channels.

    Args:
        kind: "inputs" or "outputs".
        n: how many there are.
        names: their names; None: "input_0", "input_1" and so on.

    Raises:
        ValueError: unless there is a name of its own for each.

    Example:
        >>> channels("inputs", 2, None)
        ('input_0', 'input_1')
    """
    if names is None:
        return tuple(f"{kind[:-1]}_{at}" for at in range(n))
    given = () if isinstance(names, str) else tuple(names)
    if len(given) != n or len(set(given)) < n or not all(isinstance(name, str) for name in given):
        raise ValueError(
            f"`{kind}` must be {n} different names, one a channel, got {names!r}. "
            f"Leave it out to call them {kind[:-1]}_0 and so on."
        )
    return given
