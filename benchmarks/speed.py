"""All that a user waits for, in one run: the machine, the package, and its peers."""

import logging
import subprocess
import sys
from collections.abc import Iterator

from benchmarks import first_update, memory, noise, startup
from benchmarks.section import Section, page


def table(rounds: int) -> str:
    """Return the page. What starts processes comes first, before TensorFlow is in this one."""
    return page([*_in_processes(rounds), *_in_turns(rounds)])


def _in_processes(rounds: int) -> Iterator[Section]:
    told = subprocess.check_output([sys.executable, "-m", "benchmarks.ours"], text=True)
    engines = tuple(told.splitlines()[-1].split())
    yield _noted(startup.section())
    yield _noted(memory.section((*engines, memory.SCAN)))
    yield _noted(first_update.section())
    yield _noted(noise.section(rounds))


def _in_turns(rounds: int) -> Iterator[Section]:
    from benchmarks import sizes, ways, whole

    # TensorFlow warns of the many functions that are traced here, one a size.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    with ways.peers() as workers:
        yield _noted(whole.section(whole.measure(ways.PEER_UNITS, rounds, workers)))
        yield _noted(sizes.section(sizes.measure(sizes.all_sizes(), rounds, workers)))


def _noted(section: Section) -> Section:
    """Return a section; say on the terminal that it is there, since all take minutes."""
    print(f"measured: {section.title}", file=sys.stderr)
    return section
