"""Real spikes: 86 units of a monkey, while their activity moves a cursor.

Golub et al. (2018) Nature Neuroscience 21:607-616, monkey J; the example data of their code.

Each of the 8 directions has 69 bins of 45 ms, before and after a new mapping from activity to
cursor was learned. A bin belongs to the direction that is nearest to the one from cursor to target,
so bins of a direction come from many trials and do not follow one another: each is a trial of one
step here.
"""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from scipy.io import loadmat

FOLDERS = [folder / "shared" / "data" for folder in Path(__file__).parents[2:4]]
FILE = next((f for f in FOLDERS if f.is_dir()), FOLDERS[0]) / "bci_learning_exampleData.mat"
BIN = 45.0  # ms
LEARNING = {"before": "beforeLearning", "after": "afterLearning"}


@pytest.fixture(scope="session")
def m1() -> xr.Dataset:
    """The recording as a Session.

    Variables `spikes` (counts) and `rates` (Hz), each (trial, time, unit), (1104, 1, 86).
    Coordinates of `trial`: `direction` (degrees, one of 8), `angle` (degrees, the exact direction
    from cursor to target, in [0, 360)) and `learning` ("before", "after").
    """
    if not FILE.exists():
        pytest.skip(
            f"{FILE.name} is of the repository mattgolub/bci_learning and no part of this one: "
            f"put it into {FILE.parent} to run this test."
        )
    data = loadmat(FILE, squeeze_me=True, struct_as_record=False)
    parts = [_part(data[name].clouds, label) for label, name in LEARNING.items()]
    return xr.concat(parts, "trial", data_vars="minimal", coords="minimal", join="exact")


def _part(clouds, label: str) -> xr.Dataset:
    spikes = np.concatenate([cloud.T for cloud in clouds.spikes])[:, None].astype(float)
    x, y = np.concatenate(clouds.cursorToTargetDirection, axis=1)
    direction = np.repeat(clouds.angles.astype(float), [cloud.shape[1] for cloud in clouds.spikes])
    dims = ("trial", "time", "unit")
    return xr.Dataset(
        {"spikes": (dims, spikes), "rates": (dims, spikes / (BIN / 1000), {"units": "Hz"})},
        {
            "time": ("time", [0.0], {"units": "ms"}),
            "unit": np.arange(spikes.shape[2]),
            "direction": ("trial", direction, {"units": "deg"}),
            "angle": ("trial", np.degrees(np.arctan2(y, x)) % 360, {"units": "deg"}),
            "learning": ("trial", np.repeat(label, len(spikes))),
        },
        {"dt": BIN},
    )
