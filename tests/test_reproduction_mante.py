"""The reproduction of Mante et al. (2013), as far as seconds allow."""

import re
from types import SimpleNamespace

import mante
import numpy as np
import pandas as pd
import pytest


@pytest.fixture(scope="module")
def readings():
    """Two readings of a small network that has hardly learned."""
    return mante.train(3, units=40, updates=(150, 170), n_trials=300, n_starts=12)


def test_inputs_at_zero_coherence_are_those_of_the_task():
    task = mante.task().replace(noise=0.0)
    for context in mante.CONTEXTS:
        for modality in mante.OTHER:
            levels = {"motion": [0.05], "colour": [0.05]} | {modality: [0.5]}
            trials = task.grid(context=[context], **levels)
            start, stop = map(int, trials.phases["stimulus"][0])
            got = trials.inputs[0, start:stop]
            other = mante.OTHER[modality]
            wanted = mante.held(context) + 0.5 * mante.evidence(modality)
            wanted = wanted + 0.05 * mante.evidence(other)
            np.testing.assert_allclose(got, np.tile(wanted, (len(got), 1)), atol=1e-6)


def test_a_network_is_read_in_both_contexts(readings):
    assert [reading.updates for reading in readings] == [150, 170]
    for reading in readings:
        assert set(reading.contexts) == {"motion", "colour"}
        assert reading.axes.variables == ("choice", "motion", "colour", "context")
        for name, c in reading.contexts.items():
            assert c.relevant.shape == c.irrelevant.shape == (6,)
            path = reading.paths[name, name]
            ends = path.sel(variable=name)
            assert c.signal == pytest.approx(float((ends[-1] - ends[0]).max()))
            assert reading.points[name].shape[1] == 4


def line(relevant: float, irrelevant: float, is_line: bool = True):
    """A line whose selection vector has known cosines with the two inputs, in two units."""
    left = np.array([[1.0, 0.0]] * 3)
    push = {}
    for modality, cosine in (("motion", relevant), ("colour", irrelevant)):
        push[modality] = np.array([[cosine, np.sqrt(1 - cosine**2)]] * 3)

    def input_vectors(direction):
        own = direction[mante.task().inputs.index("motion_right")] != 0
        return push["motion" if own else "colour"]

    return SimpleNamespace(
        is_line=is_line,
        selection_vectors=left,
        tangents=np.array([[0.0, 1.0]] * 3),
        axis=np.array([0.0, 1.0]),
        criteria=pd.DataFrame({"criterion": ["ratio", "it turns"], "met": [is_line, True]}),
        time_constants=np.array([[900.0, 90.0]] * 3),
        points=[0, 1, 2],
        input_vectors=input_vectors,
        selected=lambda direction: np.einsum("pi,pi->p", left, input_vectors(direction)),
    )


def test_cosines_are_those_of_the_selection_vector():
    c = mante.Context(0.9, np.linspace(0, 1, 6), np.full(6, 0.5), 2.0, 1.5, line(0.8, 0.1))
    assert c.cosine("motion") == pytest.approx(0.8) and c.cosine("colour") == pytest.approx(0.1)
    assert c.direct("motion") == pytest.approx(0.6)
    assert c.moved("motion") == pytest.approx(800.0)
    assert c.swings == (1.0, 0.0)
    none = mante.Context(0.9, np.linspace(0, 1, 6), np.full(6, 0.5), 2.0, 1.5, None)
    assert np.isnan([none.cosine("motion"), none.moved("motion"), none.direct("motion")]).all()


def made(**change):
    """A reading in which each demand is met, but for what is changed."""
    settings = {"accuracy": 0.9, "irrelevant": 0.5, "ignored": 1.5, "cosines": (0.9, 0.1)}
    settings |= {"is_line": True} | change
    contexts = {}
    for name in mante.CONTEXTS:
        pair = settings["cosines"] if name == "motion" else settings["cosines"][::-1]
        contexts[name] = mante.Context(
            settings["accuracy"], np.linspace(0, 1, 6),
            np.linspace(0.5, settings["irrelevant"], 6), 2.0, settings["ignored"],
            line(*pair, settings["is_line"]),
        )  # fmt: skip
    return mante.Reading(0, 600, contexts, None, {}, {})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "missed"),
    [
        ({}, [6]),  # the made inputs point along the made line
        ({"accuracy": 0.8}, [0, 6]),
        ({"irrelevant": 0.9}, [1, 6]),
        ({"is_line": False}, [2, 6]),
        ({"cosines": (0.9, 0.3)}, [3, 5, 6]),
        ({"cosines": (0.3, 0.01)}, [4, 6]),
        ({"ignored": 0.5}, [6, 7]),
    ],
)
def test_the_verdict_says_what_is_met(change, missed):
    told = mante.verdict([made(**change)]).splitlines()
    assert len(told) == 9
    assert [at for at, line_ in enumerate(told) if line_.startswith("- not met")] == missed


def test_a_line_is_told_by_what_it_misses():
    assert mante.told(line(0.8, 0.1)) == "yes" and mante.told(None) == "too few points"
    assert mante.told(line(0.8, 0.1, is_line=False)) == "no: ratio"
    assert "| 600 | 0 | motion | 0.900 | 1.00, +0.00 | yes | 3 | 900, 90 |" in mante.table([made()])


def test_it_is_told_and_drawn(readings, tmp_path):
    text = mante.report(readings)
    assert re.findall(r"^## After (\d+) updates", text, re.M) == ["150", "170"]
    assert len(re.findall(r"^\| \d+ \| 3 \| (?:motion|colour) \|", text, re.M)) == 4
    figure = mante.draw(readings)
    figure.savefig(tmp_path / "figure.png")
    assert len(figure.axes) == 8
    choices = figure.axes[0]
    np.testing.assert_array_equal(
        choices.lines[0].get_ydata(), readings[0].contexts["motion"].relevant
    )
    assert all(ax.get_xlabel() and ax.get_ylabel() for ax in figure.axes[:4])


def test_the_page_has_its_figure():
    page = mante.PAGE
    assert re.findall(r"\]\((\w+\.png)\)", page.read_text()) == ["mante.png"]
    figure = page.with_suffix(".png")
    assert figure.read_bytes().startswith(b"\x89PNG") and figure.stat().st_size < 400_000
