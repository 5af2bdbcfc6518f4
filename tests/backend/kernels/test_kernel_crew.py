"""Threads of the kernels: what they leave as it was, what they raise, what they must not change."""

import os
import subprocess
import sys
import textwrap
import threading

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from neurotask.backend.kernels.crew import Crew
from neurotask.backend.kernels.tiny import flushed

# Many shards of a network, part of which decays to numbers too small to be normal.
PROBLEM = """
import hashlib, logging, sys, threading
logging.getLogger("neurotask").setLevel("ERROR")  # that kernels are compiled may be said
import numpy as np
from neurotask.backend.kernels import run as kernels

def digest(name=5, noise=1.0):
    rng, n, steps, trials = np.random.default_rng(name), 6, 60, 200
    draw = lambda *shape: rng.standard_normal(shape).astype(np.float32)
    half, none = np.full(n, 0.5, np.float32), np.zeros(0, np.float32)
    w = kernels.Weights(
        draw(2, n) * 0, draw(n, n) / 10, draw(n, 1), half * 0, draw(1), half, half,
        half * np.float32(noise), none, half * np.float32(1e-25),
    )
    cell, inputs = kernels.Cell(False, kernels.NAMES.index("tanh")), draw(trials, steps, 2)
    named = kernels.Noise(n if noise else 0, np.uint64(name), 3, kernels.NONE)
    course = kernels.run(cell, w, inputs, named, True)
    by = draw(trials, steps, 1) * np.float32(1e-30)
    total, _ = kernels.gradients(cell, w, inputs, named, course, by, factors=True)
    arrays = [course.outputs, course.states, *total]
    return hashlib.sha256(b"".join(np.ascontiguousarray(a).tobytes() for a in arrays)).hexdigest()
"""


def python(code, **env):
    """Return what a program prints that knows of the problem above."""
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROBLEM + textwrap.dedent(code)],
        capture_output=True,
        text=True,
        env={**os.environ, **env},
        timeout=120,
    )
    assert run.returncode == 0 and not run.stderr, run.stderr
    return run.stdout.split()


def blas():
    """Return the number of threads of each BLAS."""
    return [one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"]


def test_sums_are_the_same_on_any_number_of_cores():
    code = "print(digest(), digest(noise=0.0))"
    one, two, five = (python(code, NUMBA_NUM_THREADS=n) for n in "125")
    assert one == two == five


def test_threads_get_what_each_would_get_alone():
    """Whatever numba's layer: none of it is used, so that none can be entered twice."""
    code = """
    alone, made = [digest(name) for name in range(4)], {}
    work = lambda name: made.setdefault(name, [digest(name) for _ in range(5)])
    threads = [threading.Thread(target=work, args=[name]) for name in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert len(set(alone)) == 4 and made == {name: [alone[name]] * 5 for name in range(4)}

    from numba.np.ufunc import parallel
    assert not parallel._is_initialized, "a threading layer of numba's was started"
    print("alike")
    """
    assert python(code, NUMBA_THREADING_LAYER="workqueue", NUMBA_NUM_THREADS="2") == ["alike"]


def test_a_forked_process_can_run_them_too():
    code = """
    import os
    here = digest()
    for ending in ("exit", "quick"):
        child = os.fork()
        if child == 0:
            assert digest() == here
            sys.exit(0) if ending == "exit" else os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
    assert digest() == here
    print("alike")
    """
    assert python(code, NUMBA_NUM_THREADS="2") == ["alike"]


def test_it_can_be_imported_where_nothing_forks(monkeypatch):
    monkeypatch.delattr(os, "register_at_fork", raising=False)
    made = []
    Crew().run(made.append, 3)
    assert sorted(made) == [0, 1, 2]


@pytest.fixture
def crew():
    """A crew of three threads, whatever the machine."""
    crew = Crew()
    crew._size = 3
    return crew


@pytest.mark.parametrize("n", [0, 1, 2, 3, 7])
def test_each_shard_is_worked_on_once(crew, n):
    done, threads = [], set()

    def work(at):
        done.append(at)
        threads.add(threading.current_thread().name)

    crew.run(work, n)
    assert sorted(done) == list(range(n)) and len(threads) <= 3


@pytest.mark.parametrize("bad", [0, 1, 2])
def test_what_a_worker_raises_comes_out_when_all_have_ended(crew, bad):
    """The first shard is the caller's own, the others are those of other threads."""
    slow, ended = threading.Event(), []

    def work(at):
        if at == bad:
            raise KeyError("a shard went wrong")
        slow.wait(0.2)
        ended.append(at)

    with threadpool_limits(2, "blas"):
        before = blas()
        with pytest.raises(KeyError, match="a shard went wrong"):
            crew.run(work, 3)
        assert sorted(ended) == [at for at in range(3) if at != bad]
        assert blas() == before
        assert not flushed(False)
    crew.run(ended.append, 3)  # and it goes on


def test_blas_is_left_as_found(crew):
    seen = []
    for n in (1, 2):
        with threadpool_limits(n, "blas"):
            before = blas()
            crew.run(lambda at: seen.append(blas()), 4)
            assert blas() == before
    assert len(blas()) > 0 and all(set(one) == {1} for one in seen)


def test_tiny_numbers_are_0_in_all_threads_of_a_run_and_none_after(crew):
    seen = []

    def work(at):
        seen.append(flushed(True))

    crew.run(work, 9)
    assert len(seen) == 9 and all(seen)
    assert not flushed(False)
    flushed(True)  # as TensorFlow has it
    crew.run(work, 3)
    assert flushed(False)
