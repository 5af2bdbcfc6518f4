"""Memory of updates is used again when nobody has an array in it, and not before."""

import numpy as np

from neurotask.backend.memory import Rooms

SHAPE = 300, 64, 256  # 19 MiB


def test_memory_is_used_again_once_its_array_is_gone():
    rooms = Rooms()
    one = rooms.take(*SHAPE)
    assert one.shape == SHAPE and one.dtype == np.float32 and one.ctypes.data % 64 == 0
    place = one.ctypes.data
    kept = one[10]  # a part of it is enough
    del one
    other = rooms.take(*SHAPE)
    assert other.ctypes.data != place
    del kept
    again = rooms.take(*SHAPE)
    assert again.ctypes.data == place
    third = rooms.take(*SHAPE)
    assert third.ctypes.data not in (place, other.ctypes.data)


def test_memory_that_nobody_uses_is_given_back():
    rooms = Rooms()
    one, two = rooms.take(*SHAPE), rooms.take(*SHAPE)
    assert len(rooms._rooms) == 2
    del one
    rooms.forget()
    assert len(rooms._rooms) == 1
    del two
    rooms.take(SHAPE[0] + 1, *SHAPE[1:])  # of another size
    assert len(rooms._rooms) == 1
    small = rooms.take(3, 2)
    assert small.shape == (3, 2) and len(rooms._rooms) == 1
