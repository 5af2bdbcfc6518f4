"""Matrix products of arrays in rows, by the BLAS of SciPy, added to what is there."""

import numpy as np
import scipy.linalg  # noqa: F401  (loads the BLAS that kernels call)
from numba import types
from threadpoolctl import threadpool_info

from neurotask.backend.kernels.compiling import part

# OpenBLAS multiplies matrices of up to a million multiplications without packing them first on
# these processors. Larger ones are cut into such pieces, which is up to twice as fast.
_WITHOUT_PACKING = {"SkylakeX", "Cooperlake", "SapphireRapids"}
_CUTS = any(one.get("architecture") in _WITHOUT_PACKING for one in threadpool_info())
# Most rows and columns of the result, and most numbers of a sum, of a piece.
ROWS, COLUMNS, SUMMED = (32, 144, 200) if _CUTS else (2**30,) * 3
_MULTIPLE = 16  # of which pieces are, but for the last

_SINGLE, _TRANSPOSED, _AS_IS = ord("s"), ord("t"), ord("n")
_FACTORS = np.array([0, 1], np.float32)
_POINTER = types.CPointer(types.float32)
# numba's own way to BLAS, by which np.dot goes too; np.dot cannot add to what is there.
_gemm = types.ExternalFunction(
    "numba_xxgemm",
    types.intc(
        *(types.char,) * 3, *(types.intp,) * 3, _POINTER, _POINTER, types.intp, _POINTER,
        types.intp, _POINTER, _POINTER, types.intp,
    ),
)  # fmt: skip


@part
def _piece(size, most):
    """Return how much of a size goes into a piece, for pieces of about the same size."""
    return -(-size // (-(-size // most) * _MULTIPLE)) * _MULTIPLE


@part
def _multiply(a, b, transposed, adds, out):
    """Put a b, or a transposed times b, into out, or add it to what is there."""
    n_rows, n_columns = out.shape
    n_summed = b.shape[0]
    summed_of_a, rows_of_a = a.shape if transposed else a.shape[::-1]
    if (rows_of_a, summed_of_a, n_columns) != (n_rows, n_summed, b.shape[1]):
        raise ValueError("matrices of these sizes have no product")  # BLAS would take any memory
    rows, columns = _piece(n_rows, ROWS), _piece(n_columns, COLUMNS)
    summed = _piece(n_summed, SUMMED)
    for k in range(0, n_summed, summed):
        kept = _FACTORS[1:] if adds or k > 0 else _FACTORS
        for j in range(0, n_columns, columns):
            for i in range(0, n_rows, rows):
                left = a[k:, i:] if transposed else a[i:, k:]
                # By columns, as BLAS counts, everything is transposed: out' = b' a'.
                _gemm(
                    _SINGLE, _AS_IS, _TRANSPOSED if transposed else _AS_IS,
                    min(columns, n_columns - j), min(rows, n_rows - i), min(summed, n_summed - k),
                    _FACTORS[1:].ctypes, b[k:, j:].ctypes, n_columns, left.ctypes, a.shape[1],
                    kept.ctypes, out[i:, j:].ctypes, n_columns,
                )  # fmt: skip


@part
def product(a, b, out):
    """Put the matrix product of a and b into out."""
    _multiply(a, b, bool(0), bool(0), out)


@part
def add_product(a, b, out):
    """Add the matrix product of a and b to out."""
    _multiply(a, b, bool(0), bool(1), out)


@part
def add_transposed(a, b, out):
    """Add the product of a transposed and b to out."""
    _multiply(a, b, bool(1), bool(1), out)
