"""Arrays as rsatoolbox and DSA take them: shapes, labels, and no NaN."""

import numpy as np
import pytest
import xarray as xr

from neurotask.analysis import to_dsa, to_rsatoolbox


def make(lengths=(6, 6, 4, 4, 6, 4), units=3):
    rates = np.random.default_rng(0).normal(size=(len(lengths), 6, units))
    for trial, n in enumerate(lengths):
        rates[trial, n:] = np.nan
    stop = np.array(lengths)[:, None] * 10.0
    return xr.Dataset(
        {"rates": (("trial", "time", "unit"), rates)},
        {
            "time": np.arange(6) * 10.0,
            "side": ("trial", ["l", "r"] * 3),
            "cell_type": ("unit", ["E", "E", "I"]),
            "phase": ["stimulus"],
            "phase_start": (("trial", "phase"), np.full((len(lengths), 1), 20.0)),
            "phase_stop": (("trial", "phase"), stop),
        },
        {"dt": 10.0, "psychometric_axis": "side"},
    )


def test_rsatoolbox_gets_observations_channels_and_times():
    session = make()
    arrays = to_rsatoolbox(session, align="stimulus")
    assert set(arrays) == {
        "measurements",
        "descriptors",
        "obs_descriptors",
        "channel_descriptors",
        "time_descriptors",
    }
    expected = session["rates"].to_numpy()[:, :4].transpose(0, 2, 1)
    np.testing.assert_array_equal(arrays["measurements"], expected)
    assert arrays["time_descriptors"] == {"time": [-20.0, -10.0, 0.0, 10.0]}
    assert arrays["obs_descriptors"] == {"trial": list(range(6)), "side": ["l", "r"] * 3}
    assert arrays["channel_descriptors"] == {"unit": [0, 1, 2], "cell_type": ["E", "E", "I"]}
    once = to_rsatoolbox(session, phase="stimulus")
    assert "time_descriptors" not in once
    means = np.nanmean(session["rates"].to_numpy()[:, 2:], axis=1)
    np.testing.assert_allclose(once["measurements"], means)
    with pytest.raises(ValueError, match="`window` must hold a time that all trials have data for"):
        to_rsatoolbox(session, window=(40, 60))


def test_dsa_gets_trials_of_each_length():
    session = make()
    rates = session["rates"].to_numpy()
    short, long = to_dsa(session)
    np.testing.assert_array_equal(short, rates[[2, 3, 5], :4])
    np.testing.assert_array_equal(long, rates[[0, 1, 4]])
    phase = to_dsa(session, phase="stimulus")
    assert [one.shape for one in phase] == [(3, 2, 3), (3, 4, 3)]
    np.testing.assert_array_equal(phase[0], rates[[2, 3, 5], 2:4])
    same = to_dsa(session, phase=(10, 40))
    assert isinstance(same, np.ndarray)
    np.testing.assert_array_equal(same, rates[:, 1:4])


def test_dsa_gets_condition_averages_where_asked():
    session = make((6,) * 6)
    rates = session["rates"].to_numpy()
    found = to_dsa(session, condition="side")
    np.testing.assert_allclose(found, [rates[::2].mean(0), rates[1::2].mean(0)])
    assert to_dsa(session, condition="side", phase="stimulus").shape == (2, 4, 3)  # type: ignore[union-attr]
    with pytest.raises(ValueError, match="`phase` must hold data of a trial that counts"):
        to_dsa(session, phase=(100, 200))
