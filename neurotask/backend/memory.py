"""Memory for arrays that TensorFlow takes without copying them, and that updates use again."""

import math
import sys
import threading

import numpy as np

_ALIGNED = 64  # bytes: TensorFlow takes such arrays as they are and copies others
_LARGE = 2**24  # bytes


def aligned(*shape: int) -> np.ndarray:
    """Return room for single precision that starts where TensorFlow wants it to."""
    return _shaped(np.empty(_bytes(shape) + _ALIGNED, np.uint8), shape)


class Rooms:
    """Memory for what updates leave behind, used again once nobody has an array in it any more.

    Memory from the system is cleared page by page when it is first written to, which for large
    updates costs as much as the update.
    """

    def __init__(self) -> None:
        self._lock, self._rooms = threading.Lock(), list[np.ndarray]()

    def take(self, *shape: int) -> np.ndarray:
        """Return room as `aligned` does."""
        size = _bytes(shape) + _ALIGNED
        if size < _LARGE:  # the allocator keeps such pieces itself
            return aligned(*shape)
        with self._lock:
            self._rooms = [one for one in self._rooms if one.size == size or _is_used(one)]
            free = (one for one in self._rooms if one.size == size and not _is_used(one))
            room = next(free, None)
            if room is None:
                room = np.empty(size, np.uint8)
                self._rooms.append(room)
            return _shaped(room, shape)

    def forget(self) -> None:
        """Give memory back that nobody uses."""
        with self._lock:
            self._rooms = [one for one in self._rooms if _is_used(one)]


ROOMS = Rooms()


def _is_used(room: np.ndarray) -> bool:
    """Return whether there is an array in some memory, beside those who ask."""
    return sys.getrefcount(room) > _ASKING


def _count(room: np.ndarray) -> int:
    return sys.getrefcount(room)


# What `_is_used` counts of memory without arrays: a list, a loop over it, and the calls.
_ASKING = next(_count(one) for one in [np.empty(1, np.uint8)])


def _bytes(shape: tuple[int, ...]) -> int:
    return math.prod(shape) * 4


def _shaped(room: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    start = -room.ctypes.data % _ALIGNED
    return room[start : start + _bytes(shape)].view(np.float32).reshape(shape)
