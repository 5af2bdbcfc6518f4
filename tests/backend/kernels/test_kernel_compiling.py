"""What is compiled is kept for other processes, made anew when a source changes, and not needed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest
from numba.core import caching

from neurotask.backend.kernels import compiling

SMALL = """
from compiling import kernel, part
from other import twice

@kernel
def f(x):
    return twice(x) + 1

print(f(2.0), sum(f.stats.cache_hits.values()))
"""


@pytest.fixture
def folder(tmp_path):
    """A folder with a kernel in one file and a part of it in another, and how it is compiled."""
    (tmp_path / "code").mkdir()
    shutil.copy(compiling.__file__, tmp_path / "code" / "compiling.py")
    (tmp_path / "code" / "small.py").write_text(SMALL)
    write_other(tmp_path, 2)
    return tmp_path


def write_other(folder, factor):
    (folder / "code" / "other.py").write_text(
        f"from compiling import part\n\n\n@part\ndef twice(x):\n    return {factor} * x\n"
    )


def started(folder, **env):
    """Return the value that a new process gets, and how often it found it compiled."""
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", "import small"],
        capture_output=True, text=True, cwd=folder / "code",
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **env},
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    value, hits = run.stdout.split()
    return float(value), int(hits)


def kept(folder):
    return sorted(path.name for path in Path(folder).rglob("*.nbc"))


def test_a_second_process_takes_what_the_first_has_compiled(folder):
    assert started(folder) == (5.0, 0)
    there = kept(folder / "code")
    assert len(there) == 1
    assert started(folder) == (5.0, 1)
    assert kept(folder / "code") == there


def test_a_part_in_another_file_that_changes_is_compiled_anew(folder):
    started(folder)
    write_other(folder, 3)
    assert started(folder) == (7.0, 0)
    assert started(folder) == (7.0, 1)


def test_it_is_kept_elsewhere_where_the_folder_cannot_be_written(folder):
    (folder / "code" / "__pycache__").write_text("in the way")  # of root, too
    elsewhere = {"XDG_CACHE_HOME": str(folder / "cache"), "HOME": str(folder)}
    assert started(folder, **elsewhere) == (5.0, 0)
    assert len(kept(folder / "cache")) == 1 and not kept(folder / "code")
    assert started(folder, **elsewhere) == (5.0, 1)


def test_it_works_where_nothing_can_be_written(folder):
    (folder / "code" / "__pycache__").write_text("in the way")
    (folder / "file").write_text("in the way")
    nowhere = {"XDG_CACHE_HOME": str(folder / "file"), "HOME": str(folder / "file")}
    for _ in range(2):
        assert started(folder, **nowhere) == (5.0, 0)
    for _ in range(2):
        assert started(folder, NUMBA_CACHE_DIR=str(folder / "file"), **nowhere) == (5.0, 0)


@pytest.mark.parametrize("way", ["save", "load"])
def test_it_works_where_the_disk_is_full_or_fails(monkeypatch, folder, way):
    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(caching.IndexDataCacheFile, way, fail)
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(folder))

    @compiling.kernel
    def plus_one(x):
        return x + 1

    assert plus_one(1) == 2


def test_it_works_where_a_cache_is_refused(monkeypatch):
    def refuse(*_, **__):
        raise RuntimeError("cannot cache function: no locator available")

    monkeypatch.setattr(caching.FunctionCache, "__init__", refuse)

    @compiling.kernel
    def plus_one(x):
        return x + 1

    assert plus_one(1) == 2


def test_floats_are_not_loosened():
    """Sums stay in order, and NaN is NaN: but for fma, the numbers are those of the source."""

    @compiling.part
    def total(x):
        s = np.float32(0)
        for i in range(x.size):
            s += x[i]
        return s

    @compiling.part
    def is_nan(x):
        return x != x

    rng = np.random.default_rng(0)
    x, s = rng.standard_normal(1001).astype(np.float32), np.float32(0)
    for value in x:
        s += value
    assert numba.njit(lambda x: total(x))(x) == s
    assert numba.njit(lambda x: is_nan(x))(np.float32(np.nan))
    assert compiling._OPTIONS["nogil"]


def test_a_part_is_for_kernels_alone():
    twice = compiling.part(lambda x: 2 * x)
    with pytest.raises(TypeError, match="can be called by kernels alone"):
        twice(2.0)
