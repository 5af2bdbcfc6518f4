"""Matrix products of kernels, against NumPy's in float64, around the sizes of their pieces."""

import importlib.util

import numba
import numpy as np
import pytest
import threadpoolctl

from neurotask.backend.kernels import products

SIZES = [(1, 1, 1), (3, 5, 2), (32, 200, 144), (33, 201, 145), (70, 450, 300), (257, 64, 50)]


@pytest.fixture(scope="module", params=["SkylakeX", "Haswell"])
def made(request):
    """The products as one processor and another make them: in pieces, and as a whole."""
    spec = importlib.util.spec_from_file_location("products", products.__file__)
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threadpoolctl, "threadpool_info", lambda: [{"architecture": request.param}])
        spec.loader.exec_module(module)
    assert (module.ROWS < 100) == (request.param == "SkylakeX")
    parts = module.product, module.add_product, module.add_transposed
    return [numba.njit(lambda a, b, out, one=one: one(a, b, out)) for one in parts]


@pytest.mark.parametrize("size", SIZES)
def test_products_are_those_of_numpy(size, made):
    rng, (rows, summed, columns) = np.random.default_rng(0), size
    draw = lambda *shape: rng.standard_normal(shape).astype(np.float32)  # noqa: E731
    a, b, there = draw(rows, summed), draw(summed, columns), draw(rows, columns)
    truth, turned = a.astype(float) @ b, np.ascontiguousarray(a.T)
    ways = ((a, truth), (a, truth + there), (turned, truth + there))
    for multiply, (left, wanted) in zip(made, ways, strict=True):
        out = there.copy()
        multiply(left, b, out)
        np.testing.assert_allclose(out, wanted, rtol=1e-5, atol=1e-5 * np.sqrt(summed))


def test_sizes_that_have_no_product_are_refused(made):
    a, b, out = (np.zeros(shape, np.float32) for shape in ((4, 5), (6, 7), (4, 7)))
    for multiply, left in zip(made, (a, a, np.zeros((5, 4), np.float32)), strict=True):
        with pytest.raises(ValueError, match="no product"):
            multiply(left, b, out)
        with pytest.raises(ValueError, match="no product"):
            multiply(left, b[:5, :6], out)
