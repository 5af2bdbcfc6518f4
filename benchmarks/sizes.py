"""A training step over sizes: how long it takes each way, and how that grows."""

import itertools
import math
from collections.abc import Iterable, Mapping

from benchmarks import ways
from benchmarks.problem import ENGINES, Size
from benchmarks.section import Goal, Section
from benchmarks.table import lined_up
from benchmarks.timing import Candidate, Times, interleave
from benchmarks.turns import Worker
from neurotask.backend.feeding import UPDATES_PER_EXECUTION

UNITS = (20, 50, 100, 200, 500, 1000)
TRIALS = (16, 64, 128, 256, 1024)
STEPS = (50, 200, 1000)
ACROSS = (50, 200)  # units of the networks whose trials and steps vary
# What grows, by how much, from where to where: the largest sizes, where the products take the time.
GROWTH = {
    "units²": (4, Size(500), Size(1000)),
    "trials": (4, Size(200, trials=256), Size(200, trials=1024)),
    "steps": (5, Size(200, steps=200), Size(200, steps=1000)),
}
# Multiplications up to which a round calls a candidate so often.
REPEATS = {5: Size(100).work, 2: Size(200).work, 1: math.inf}

Cells = list[tuple[str, ...]]
Measured = Mapping[tuple[str, Size], Times]  # by way and size


def all_sizes() -> tuple[Size, ...]:
    """Return the sizes, each once, by units."""
    varied = {Size(units) for units in UNITS}
    varied |= {Size(units, trials=n) for units in ACROSS for n in TRIALS}
    varied |= {Size(units, steps=n) for units in ACROSS for n in STEPS}
    return tuple(sorted(varied, key=lambda size: (size.units, size.trials, size.steps)))


def measure(
    sizes: Iterable[Size], rounds: int, workers: Mapping[tuple[str, int], Worker]
) -> Measured:
    """Time each way at each size, all of them in turns."""
    candidates = {}
    for size in sizes:
        calls: dict[str, ways.Call] = ways.calls(size)
        if size.units in ways.PEER_UNITS and size == Size(size.units):
            calls[ways.LAYER] = ways.layer(size)
            calls |= {name: call for (name, n), call in workers.items() if n == size.units}
        repeats = next(n for n, most in REPEATS.items() if size.work <= most)
        for way, call in calls.items():
            updates = ways.at_once(size) if way in ENGINES else 1
            candidates[way, size] = Candidate(call, repeats, updates, settles=True)
    return interleave(candidates, rounds)


def section(times: Measured) -> Section:
    """Return the tables and the goals of what was measured."""
    growth = _growth(times)
    tables = [_milliseconds(times), _ratios(times), *([growth] if growth else [])]
    text = (
        "Milliseconds of a training step (median), bare: the batch is there already, and ours are "
        f"made {UPDATES_PER_EXECUTION} an execution up to the work of 200 units, as `fit` makes "
        "them, and one by one beyond. Noise is on, "
        f"but for {ways.LAYER} and PsychRNN; an iteration of PsychRNN makes its trials too.",
        "The same as ratios.",
        "Exponents of growth: the time grows as the size to this power.",
    )
    body = "\n\n".join(part for pair in zip(text, tables, strict=False) for part in pair)
    return Section("A training step over sizes", body, tuple(_goals(times)))


def floor(times: Measured, size: Size) -> Times:
    """Return the times of the faster of the two ways of making the products."""
    return min((times[way, size] for way in ways.PRODUCTS), key=lambda own: own.median)


def exponent(times: Measured, way: str, axis: str) -> float:
    """Return the slope of log time against log size, the median over rounds."""
    factor, small, large = GROWTH[axis]
    ends = [floor(times, s) if way == "products" else times[way, s] for s in (large, small)]
    return math.log(ends[0].ratio(ends[1])) / math.log(factor)


def _milliseconds(times: Measured) -> str:
    columns = [way for way in _ways(times) if way not in ways.PRODUCTS]
    cells: Cells = [("units", "trials", "steps", "products", *columns)]
    for size in _sizes(times):
        own = [times.get((way, size)) for way in columns]
        shown = [f"{one.median:.2f}" if one else "" for one in (floor(times, size), *own)]
        cells.append((*_labels(size), *shown))
    return lined_up(cells)


def _ratios(times: Measured) -> str:
    ours = _engines(times)
    others = [ways.SCAN, "products"]
    pairs = list(itertools.product(ours, others))
    cells: Cells = [("units", "trials", "steps", *(f"{one} / {other}" for one, other in pairs))]
    for size in _sizes(times):
        below = {ways.SCAN: times[ways.SCAN, size], "products": floor(times, size)}
        shown = [f"{times[one, size].ratio(below[other]):.2f}" for one, other in pairs]
        cells.append((*_labels(size), *shown))
    return lined_up(cells)


def _growth(times: Measured) -> str:
    columns = [*_engines(times), ways.SCAN]
    cells: Cells = [("against", "from", "to", "products", *columns)]
    for axis, (_, *ends) in GROWTH.items():
        if set(ends) <= set(_sizes(times)):
            slopes = [exponent(times, way, axis) for way in ("products", *columns)]
            cells.append((axis, *map(str, ends), *(f"{slope:.2f}" for slope in slopes)))
    return lined_up(cells) if len(cells) > 1 else ""


def _goals(times: Measured) -> Iterable[Goal]:
    first, *_ = _engines(times)
    for units, most in ((50, "<= 0.25"), (200, "<= 0.4")):
        if (first, size := Size(units)) in times:
            ratio = times[first, size].ratio(times[ways.SCAN, size])
            yield Goal(f"training step, {first}, {size}, / plain tf.scan", f"{ratio:.2f}", most)
    if (first, size := Size(200)) in times:
        ratio = times[first, size].ratio(floor(times, size))
        yield Goal(f"training step, {first}, {size}, / matrix products", f"{ratio:.2f}", "<= 2")
    for axis, (_, *ends) in GROWTH.items():
        for way in _engines(times):
            if set(ends) <= set(_sizes(times)):
                name = f"exponent of growth against {axis}, {way}"
                yield Goal(name, f"{exponent(times, way, axis):.2f}", "<= 1.05")


def _ways(times: Measured) -> list[str]:
    return list(dict.fromkeys(way for way, _ in times))


def _engines(times: Measured) -> list[str]:
    return [way for way in _ways(times) if way in ENGINES]


def _sizes(times: Measured) -> list[Size]:
    return list(dict.fromkeys(size for _, size in times))


def _labels(size: Size) -> tuple[str, ...]:
    return tuple(map(str, (size.units, size.trials, size.steps)))
