"""A peer in a process of its own, which takes its turns with the candidates of this one.

PsychRNN needs that because it switches TensorFlow's eager mode off for a whole process, PyTorch
because its threads would compete with TensorFlow's. A worker waits for a line, does its work
once, and answers with a line; between turns it is idle.
"""

import subprocess
import sys
from collections.abc import Iterator
from typing import Self

DONE = "done"


class Worker:
    """A process `python -m MODULE ARGUMENTS` that works when it is told to.

    Args:
        module: what to run; it must loop over `turns()`.
        *arguments: of its command line.
    """

    def __init__(self, module: str, *arguments: object):
        command = [sys.executable, "-m", module, *map(str, arguments)]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True, bufsize=1
        )
        self._name = " ".join(command)

    def __call__(self) -> None:
        """Have the work done once."""
        sent, answers = self._process.stdin, self._process.stdout
        assert sent is not None and answers is not None
        sent.write("go\n")
        for line in answers:  # what else a package prints is passed over
            if line.strip() == DONE:
                return
        raise RuntimeError(f"`{self._name}` ended early. Run it by itself to see why.")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


def turns() -> Iterator[None]:
    """Yield, in the process of a worker, whenever it is its turn."""
    for _ in sys.stdin:
        yield
        print(DONE, flush=True)
