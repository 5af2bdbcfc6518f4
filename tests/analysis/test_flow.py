"""The flow in a plane, against the velocity of a linear network."""

from typing import Any

import numpy as np
import pytest
import xarray as xr

from neurotask.analysis import flow, pca

DT = 10.0
MATRIX = np.array([[0.9, 0.2, 0.0], [-0.1, 0.8, 0.1], [0.0, 0.0, 0.5]])
DRIVE = np.array([0.1, 0.0, -0.2])


def step(x, u):
    return x @ MATRIX.T + u * DRIVE


def plane(of="states", **settings):
    rng = np.random.default_rng(0)
    values = rng.normal(size=(12, 8, 3)) * [3.0, 2.0, 0.1]
    dims = ("trial", "time", "unit")
    data = xr.Dataset(
        {"states": (dims, values), "rates": (dims, values)},
        {"side": ("trial", np.repeat(["l", "r"], 6)), "time": np.arange(8) * DT},
    )
    return pca(data, of=of, condition="side", n_components=2, **settings)


def test_velocities_are_those_of_the_step():
    cut = plane()
    field = flow(step, cut, input=[0.7], dt=DT, n=5)
    assert field.velocity.shape == (5, 5, 2) and field.speed.shape == (5, 5)
    for row, y in enumerate(field.y):
        for column, x in enumerate(field.x):
            state = cut.mean_ + x * cut.components_[0] + y * cut.components_[1]
            velocity = (MATRIX @ state + 0.7 * DRIVE - state) / DT
            assert field.velocity[row, column] == pytest.approx(cut.components_ @ velocity)
            assert field.speed[row, column] == pytest.approx(np.linalg.norm(velocity))
    assert len(field.table) == 25
    low = cut.trajectories.to_numpy().reshape(-1, 2).min(0)
    assert field.x[0] < low[0] and field.y[0] < low[1]


def test_the_figure_has_named_axes():
    ax = flow(step, plane(), input=[0.0], dt=DT).plot()
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("PC 1", "PC 2")
    assert "speed" in ax.figure.axes[1].get_xlabel()


REFUSED: list[tuple[dict[str, Any], type[Exception], str]] = [
    (dict(pca=plane("rates")), ValueError, "`pca` must be of \"states\", got a PCA of 'rates'"),
    (dict(pca=plane(center="time")), ValueError, '`pca` must be centred by "mean", got "time"'),
    (dict(dt=None), ValueError, "`dt` must be the length of a step in ms where the owner of"),
    (dict(input=[np.nan]), ValueError, "`input` must be finite constant inputs"),
    (dict(n=1), ValueError, "`n` must be a whole number of 2 or more, got 1"),
    (dict(margin=-1.0), ValueError, "`margin` must be a number of 0 or more"),
]


@pytest.mark.parametrize(("change", "error", "message"), REFUSED)
def test_what_does_not_fit_is_refused(change, error, message):
    settings: dict[str, Any] = {"pca": plane(), "input": [0.0], "dt": DT} | change
    with pytest.raises(error, match=message):
        flow(step, settings.pop("pca"), **settings)
