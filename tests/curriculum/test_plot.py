"""The figure of a curriculum holds what the log says, and nothing is left of it."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

from neurotask.curriculum import Curriculum
from neurotask.curriculum._visits import Visit, spans, spent, visits
from neurotask.curriculum.log import as_table
from neurotask.curriculum.plot import NAMED_STAGES, STAGE, TARGET, draw_log
from neurotask.tasks.perceptual_discrimination import PerceptualDiscrimination

NAMES = ("easy", "hard")


def row(update, stage=0, names=NAMES, **changes):
    return {
        "update": update,
        "stage": stage,
        "name": names[stage],
        "lesson": "",
        "level": np.nan,
        "metric": "accuracy",
        "value": 0.7,
        "threshold": 0.9,
        "passed": False,
        "event": "",
        "loss": 1 / update,
        "trials": 8 * update,
        "tested": 16,
    } | changes


LADDER = [
    row(10),
    row(20, value=0.95, passed=True, event="advance"),
    row(20, name="target", value=0.55, threshold=0.8),
    row(30, 1, value=0.6),
    row(40, 1, value=0.65, event="back"),
    row(40, name="target", stage=1, value=0.6, threshold=0.8),
    row(50, 0, value=0.92, passed=True, event="advance"),
    row(60, 1, value=0.91, passed=True),
    row(60, 1, name="target", value=0.82, threshold=0.8, passed=True, event="target"),
]


@pytest.fixture
def draw():
    """Draw rows; what they left open is closed after the test."""
    yield lambda rows, names=NAMES: draw_log(as_table(rows), names)
    plt.close("all")


def panels(figure):
    return {ax.get_ylabel(): ax for ax in figure.axes}


def points(axis, color, filled):
    """Return the places of marks of a colour, filled or hollow."""
    found = set()
    for line in axis.lines:
        is_mark = line.get_linestyle() == "None" and line.get_markeredgecolor() == color
        if is_mark and (line.get_markerfacecolor() != "white") == filled:
            found |= {(float(x), round(float(y), 6)) for x, y in line.get_xydata()}
    return found


def edges(axis):
    (step,) = axis.patches
    data = step.get_data()
    return data.edges.tolist(), data.values.tolist()


# --- what is drawn ------------------------------------------------------------------------------


def test_panels_share_updates_and_say_what_they_are(draw):
    figure = draw(LADDER)
    assert [ax.get_ylabel() for ax in figure.axes] == ["Stage", "Correct (%)", "Training loss"]
    assert figure.axes[-1].get_xlabel() == "Updates"
    assert {ax.get_xlim() for ax in figure.axes} == {(0.0, 60.0)}
    assert figure.axes[-1].get_yscale() == "log"


def test_stage_is_a_step_that_goes_back_where_the_curriculum_does(draw):
    axis = panels(draw(LADDER))["Stage"]
    assert edges(axis) == ([0, 20, 40, 50, 60], [0, 1, 0, 1])
    assert [label.get_text() for label in axis.get_yticklabels()] == ["easy", "hard"]


def test_every_evaluation_is_a_point_filled_where_it_is_passed(draw):
    axis = panels(draw(LADDER))["Correct (%)"]
    assert points(axis, STAGE, True) == {(20, 95), (50, 92), (60, 91)}
    assert points(axis, STAGE, False) == {(10, 70), (30, 60), (40, 65)}
    assert points(axis, TARGET, True) == {(60, 82)}
    assert points(axis, TARGET, False) == {(20, 55), (40, 60)}


def test_thresholds_span_the_visits_in_which_they_counted(draw):
    axis = panels(draw([row(10, event="advance"), row(20, 1, threshold=0.6)]))["Correct (%)"]
    lines = [tuple(map(tuple, c.get_segments()[0].tolist())) for c in axis.collections]
    assert lines == [((0, 90), (10, 90)), ((10, 60), (20, 60))]


def test_without_a_threshold_there_is_no_line_of_one(draw):
    axis = panels(draw([row(10, threshold=np.nan)]))["Correct (%)"]
    assert not axis.collections
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["not passed"]


def test_ends_of_stages_go_through_all_panels_and_special_ones_are_named(draw):
    figure = draw(LADDER)
    for axis in figure.axes:
        places = {line.get_xdata()[0] for line in axis.lines if list(line.get_ydata()) == [0, 1]}
        assert places == {20, 40, 50, 60}
    words = [text.get_text() for text in figure.axes[0].texts]
    assert words == ["target reached", "back"]


def test_a_stop_is_named(draw):
    figure = draw([row(10), row(20, event="stop")])
    assert [text.get_text() for text in figure.axes[0].texts] == ["stopped"]


def test_loss_of_training_counts_once_an_update(draw):
    line = panels(draw(LADDER))["Training loss"].lines[-1]
    assert line.get_xdata().tolist() == [10, 20, 30, 40, 50, 60]
    assert line.get_ydata() == pytest.approx([1 / u for u in (10, 20, 30, 40, 50, 60)])


def test_metrics_have_a_panel_each(draw):
    rows = [row(10, event="advance"), row(20, 1, metric="loss", value=0.2, threshold=0.1)]
    rows += [row(30, 1, metric="median_rt", value=350.0, threshold=400.0)]
    figure = panels(draw(rows))
    wanted = ["Stage", "Correct (%)", "Loss when tested", "Median rt", "Training loss"]
    assert list(figure) == wanted
    assert points(figure["Loss when tested"], STAGE, False) == {(20, 0.2)}
    assert points(figure["Median rt"], STAGE, False) == {(30, 350)}


@pytest.mark.parametrize(("lowest", "scale"), [(0.3, "linear"), (0.01, "log")])
def test_levels_of_a_staircase_hold_until_they_are_tested(draw, lowest, scale):
    rows = [row(10, event="advance")]
    rows += [row(20 + 10 * k, 1, level=level) for k, level in enumerate((0.5, 0.4, lowest))]
    axis = panels(draw(rows))["Level"]
    assert edges(axis) == ([10, 20, 30, 40], [0.5, 0.4, lowest])
    assert axis.get_yscale() == scale


def test_a_staircase_alone_has_no_panel_of_stages(draw):
    assert "Stage" not in panels(draw([row(10, level=0.5)], ("easy",)))


def test_lessons_are_a_raster(draw):
    lessons = ["left", "right", "left"]
    rows = [row(10 * k + 10, lesson=name) for k, name in enumerate(lessons)]
    axis = panels(draw(rows, ("choice",)))["Lesson"]
    boxes = [c.get_paths()[0].get_extents().bounds for c in axis.collections]
    assert [(x, width) for x, _, width, _ in boxes] == [(0, 10), (10, 10), (20, 10)]
    assert [round(y + height / 2) for _, y, _, height in boxes] == [0, 1, 0]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["left", "right"]


def test_many_stages_are_numbered_from_one(draw):
    names = tuple(f"rung {k}" for k in range(NAMED_STAGES + 2))
    axis = panels(draw([row(10, names=names)], names))["Stage"]
    assert axis.yaxis.get_major_formatter()(0, 0) == "1"
    assert "rung 0" not in [label.get_text() for label in axis.get_yticklabels()]


def test_an_empty_log_says_so(draw):
    (axis,) = draw([]).axes
    assert [text.get_text() for text in axis.texts] == ["No evaluation yet"]
    task = PerceptualDiscrimination()
    assert Curriculum([task]).plot().axes[0].texts[0].get_text() == "No evaluation yet"


def test_no_style_is_changed(draw, tmp_path):
    before = dict(mpl.rcParams)
    draw(LADDER).savefig(tmp_path / "log.png")
    assert dict(mpl.rcParams) == before


# --- visits -------------------------------------------------------------------------------------


def test_updates_spent_sum_to_all():
    log = as_table(LADDER)
    assert [spent(log, stage) for stage in (0, 1)] == [30, 30]
    assert visits(log)[-1] == Visit(1, 50, 60)


def test_a_network_that_was_trained_before_starts_where_it_stood():
    log = as_table([row(1010, trials=80), row(1020, trials=160)])
    assert visits(log) == [Visit(0, 1000.0, 1020)]


def test_spans_start_with_the_visit():
    log = as_table([row(10, event="advance"), row(20, 1), row(35, 1)])
    assert spans(log, Visit(1, 10, 35)) == {1: (10, 20), 2: (20, 35)}
