"""Where an up-down staircase converges to."""


def converges_to(down: int, up: int, easier: float) -> float:
    """Return the share of right answers at which a staircase drifts neither way.

    It holds for answers that are right with one probability, each whatever the others are.

    Args:
        down: right answers in a row that make it harder by a step.
        up: wrong answers in a row that make it easier.
        easier: size of a step to the easier side relative to one to the harder side.

    Source: Levitt (1971) J. Acoust. Soc. Am. 49:467, for steps of one size; Kaernbach (1991)
    Percept. Psychophys. 49:227, for steps of two sizes after single answers.

    Example:
        >>> round(converges_to(3, 1, 1.0), 4), round(converges_to(1, 1, 3.0), 4)
        (0.7937, 0.75)
    """

    def drift(p: float) -> float:
        # The chance P that `down` right answers in a row come before `up` wrong ones in a row;
        # the staircase stands still where P * 1 = (1 - P) * easier.
        rights, wrongs = p ** (down - 1), (1 - p) ** (up - 1)
        harder = rights * (1 - (1 - p) ** up) / (rights + wrongs - rights * wrongs)
        return harder - (1 - harder) * easier

    from scipy.optimize import brentq  # a third of the time that importing a curriculum took

    return float(brentq(drift, 0.0, 1.0))  # type: ignore[arg-type]
