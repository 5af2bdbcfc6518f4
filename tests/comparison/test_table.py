"""Tables and figures of comparisons, from tables made by hand."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from neurotask.comparison.plot import draw
from neurotask.comparison.sessions import joined
from neurotask.comparison.table import COLUMNS, for_test, medians, share_correct

NEVER = np.inf
ROWS = [
    # variant, seed, status, reached, updates, trials, tested, in all, stages, last, held out, loss
    ("shaped", 7, "finished", True, 40, 400, 80, 480, 2, 30.0, 0.92, 0.1),
    ("shaped", 3, "finished", True, 20, 200, 40, 240, 2, np.nan, 0.94, 0.2),
    ("direct", 7, "finished", False, 100, 1000, 200, 1200, 0, np.nan, 0.75, 0.3),
    ("direct", 3, "diverged", False, 10, 100, 20, 120, 0, np.nan, np.nan, np.nan),
]
TABLE = pd.DataFrame(ROWS, columns=list(COLUMNS))
SETTINGS = {"updates": 100, "criterion": "Stage(...)"}


@pytest.mark.parametrize(
    ("column", "shaped", "direct"),
    [
        ("updates", [20, 40], [NEVER, NEVER]),
        ("trials", [200, 400], [NEVER, NEVER]),
        ("trials_in_all", [240, 480], [NEVER, NEVER]),
        ("last_stage", [NEVER, 30], [NEVER, NEVER]),
        ("held_out", [0.94, 0.92], [-NEVER, 0.75]),
        ("loss", [0.2, 0.1], [NEVER, 0.3]),
    ],
)
def test_what_never_came_about_is_infinite(column, shaped, direct):
    wide = for_test(TABLE, column)
    # A row a seed, in order; a column a variant, in the order of the comparison.
    assert wide.index.tolist() == [3, 7] and list(wide.columns) == ["shaped", "direct"]
    assert wide["shaped"].tolist() == shaped and wide["direct"].tolist() == direct


def test_medians_count_them_too():
    table = medians(TABLE)
    assert table.loc["shaped"].tolist() == pytest.approx([2, 2, 30.0, 360.0, NEVER, 0.93])
    direct = table.loc["direct"]
    assert direct[["networks", "reached"]].tolist() == [2, 0]
    assert direct[["updates", "trials_in_all"]].tolist() == [NEVER, NEVER]


def session(correct, units=2):
    rng = np.random.default_rng(units)
    n = len(correct)
    made = xr.Dataset(
        {
            "inputs": (("trial", "time", "input"), np.arange(2.0 * n).reshape(n, 2, 1)),
            "outputs": (("trial", "time", "output"), rng.normal(size=(n, 2, 1))),
            "rates": (("trial", "time", "unit"), rng.normal(size=(n, 2, units))),
        }
    )
    choice = np.where(np.array(correct) == 1, "left", "right")
    coords = {"correct": ("trial", np.array(correct, float)), "choice": ("trial", choice)}
    coords |= {"coherence": ("trial", np.linspace(-1, 1, n)), "area": ("unit", [""] * units)}
    return made.assign_coords(coords).assign_attrs(dt=10.0, task="a" * units)


def test_sessions_are_joined_by_variant_and_seed():
    ones = {("a", 5): [1, 0], ("a", 2): [1, 1], ("b", 5): [1, 1], ("b", 2): [0, 0]}
    sessions = {key: session(correct) for key, correct in ones.items()}
    both = joined(sessions, ("a", "b"), (5, 2))
    for (variant, seed), correct in ones.items():
        assert both["correct"].sel(variant=variant, network=seed).values.tolist() == correct
    assert both["coherence"].dims == ("trial",) and both["inputs"].dims[0] == "trial"
    assert both["rates"].dims == ("variant", "network", "trial", "time", "unit")
    assert both.attrs == {"dt": 10.0, "task": "aa"}


def test_what_all_networks_did_alike_has_the_dimensions_too():
    sessions = {(name, 0): session([1, 1]) for name in "ab"}
    both = joined(sessions, ("a", "b"), (0,))
    assert both["correct"].dims == both["choice"].dims == ("variant", "network", "trial")


def test_other_numbers_of_units_leave_activity_out():
    sessions = {("a", 0): session([1, 0]), ("b", 0): session([1, 0], units=3)}
    both = joined(sessions, ("a", "b"), (0,))
    assert "rates" not in both and "unit" not in both.dims and "outputs" in both
    assert both.attrs == {"dt": 10.0}


def test_a_network_without_a_test_did_nothing():
    both = joined({("a", 0): None, ("b", 0): session([1, 0])}, ("a", "b"), (0,))
    lost = both.sel(variant="a", network=0)
    assert np.isnan(lost["correct"]).all() and lost["choice"].values.tolist() == ["none", "none"]
    assert both["correct"].sel(variant="b", network=0).values.tolist() == [1, 0]
    with pytest.raises(ValueError, match="`runs` must hold a network that was tested, got none"):
        joined({("a", 0): None}, ("a",), (0,))


def test_share_correct_leaves_out_what_has_no_right_answer():
    assert share_correct(session([1, 0, np.nan, 1])) == pytest.approx(2 / 3)
    assert np.isnan(share_correct(session([np.nan]))) and np.isnan(share_correct(None))


def test_the_figure_shows_who_never_got_there(tmp_path):
    figure = draw(TABLE, SETTINGS)
    figure.savefig(tmp_path / "figure.png")
    reached, pairs, held_out = figure.axes
    shaped, direct = [line for line in reached.lines if len(line.get_xdata()) > 1]
    assert shaped.get_xdata().tolist() == [0, 20, 40, 100]
    assert shaped.get_ydata().tolist() == [0, 0.5, 1, 1]
    assert direct.get_ydata().tolist() == [0, 0]
    # The marker of the censored stands at the budget.
    assert [
        tuple(line.get_xydata()[0]) for line in reached.lines if len(line.get_xdata()) == 1
    ] == [(100.0, 0.0)]
    open_ones = [
        line for line in pairs.lines if line.get_fillstyle() == "none" and len(line.get_xdata())
    ]
    assert sum(len(line.get_xdata()) for line in open_ones) == 2
    assert all(line.get_ydata().min() > 40 for line in open_ones)
    assert "never" in [text.get_text() for text in pairs.texts]
    assert "diverged" in [text.get_text() for text in held_out.texts]
    assert reached.get_xlabel() == "updates" and held_out.get_ylabel() == "correct, held-out trials"


def test_without_a_criterion_the_figure_shows_the_held_out_test_alone():
    (ax,) = draw(TABLE, {"updates": 100}).axes
    assert ax.get_ylabel() == "correct, held-out trials"
