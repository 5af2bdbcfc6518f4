"""`neurotask analyze`: each analysis that applies to a run, with figure, table and words."""

import json
import re
import shutil

import matplotlib
import numpy as np
import pandas as pd
import pytest

import neurotask as nt
from neurotask.analyses.analyze import analyze, read
from neurotask.analyses.material import Material
from neurotask.runs import load_run, train
from neurotask.session import session as make_session
from neurotask.tasks.context_dependent_decision import ContextDependentDecision
from neurotask.tasks.go_no_go import GoNoGo
from neurotask.tasks.perceptual_discrimination import PerceptualDiscrimination

# What is said of a network of each kind.
BEHAVIOR = {"accuracy"}
POPULATION = {"selectivity", "decoding", "components", "demixed", "geometry"}
CIRCUIT = {"fixed_points", "eigenvalues", "degrees", "lesions"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run of a network that hardly learned, which is quick."""
    out = tmp_path_factory.mktemp("runs") / "a"
    task = PerceptualDiscrimination(coherences=(0.0, 0.128, 0.512), stimulus=400.0)
    model = nt.RateRNN.for_task(task, units=nt.Units(10, excitatory=0.8), noise=0.05, seed=0)
    model.compile()
    train(model, task, updates=20, batch_size=32, seed=0, out=out)
    said: list = []
    before = dict(matplotlib.rcParams)
    load_run(out).analyze(say=said.append)
    made = [text.removesuffix(" (not made, see the report)") for text in said]
    assert made == [one.name.replace("_", " ") for one in read(out)]
    assert dict(matplotlib.rcParams) == before
    return out


def material(task, repeats=10, units=12):
    """The activity of a network that learned nothing, with the answers of an ideal observer."""
    model = nt.RateRNN.for_task(task, units=units, noise=0.05, seed=0)
    trials = task.grid(repeats=repeats, seed=0)
    run = model.run(trials, seed=0)
    activity = {name: run[name].to_numpy() for name in ("states", "rates")}
    kinds = run["cell_type"].to_numpy(), run["area"].to_numpy()
    session = make_session(trials, task.observer(trials), activity, *kinds)
    return Material(session, model.effective_weights(), lambda: model, lambda: task)


def made(run):
    return {one.name: one for one in analyze(run, lambda name: None)}


def test_a_run_gets_figures_tables_and_a_report_of_them(folder):
    html = (folder / "report.html").read_text(encoding="utf-8")
    outcomes = read(folder)
    names = {one.name for one in outcomes if not one.note}
    assert names >= BEHAVIOR | POPULATION | CIRCUIT | {"currents", "evidence"}
    for one in outcomes:
        if one.note:
            continue
        assert (folder / "figures" / f"analysis_{one.name}.png").stat().st_size > 4000
        svg = (folder / "figures" / f"analysis_{one.name}.svg").read_text()
        assert svg.startswith("<?xml") and "</svg>" in svg
        assert len(pd.read_csv(folder / "analysis" / f"{one.name}.csv")) > 0
        assert one.heading in html and one.alt.replace("&", "&amp;") in html
    numbers = [int(n) for n in re.findall(r"Figure (\d+)", html)]
    assert numbers == sorted(numbers) and len(set(numbers)) == len(numbers)
    for title in ("Behaviour, further", "Units", "Population, further", "Dynamics", "Circuit"):
        assert f"<h2>{title}</h2>" in html
    assert 'src="http' not in html  # one file that needs no other


def test_the_report_is_made_again_with_what_was_found(folder):
    first = (folder / "report.html").read_bytes()
    (folder / "report.html").unlink()
    load_run(folder).write_report()
    assert (folder / "report.html").read_bytes() == first


def test_a_run_that_went_on_forgets_what_was_found_before(folder, tmp_path):
    copy = tmp_path / "b"
    shutil.copytree(folder, copy)
    assert "Fixed points." in (copy / "report.html").read_text()
    load_run(copy).resume(updates=22, verbose=0)
    assert read(copy) == [] and "Fixed points." not in (copy / "report.html").read_text()


def test_contexts_have_curves_of_their_own():
    task = ContextDependentDecision(coherences=(0.15, 0.5), stimulus=400.0)
    found = made(material(task, repeats=4))
    assert set(found) >= BEHAVIOR | POPULATION | CIRCUIT | {"context"}
    table = found["context"].table
    assert set(table["context"]) == {"motion", "colour"} and {"low", "high"} <= set(table)
    assert "evidence" not in found  # four noisy channels, of which two are the evidence at a time
    assert "context" in found["fixed_points"].table


def test_to_go_or_not_is_told_by_its_sensitivity():
    found = made(material(GoNoGo(), repeats=20))
    assert "sensitivity" in found and "context" not in found


def test_what_cannot_be_made_says_why():
    run = material(PerceptualDiscrimination(coherences=(0.512,), stimulus=400.0), repeats=3)
    decoding = made(run)["decoding"]
    assert decoding.drawing is None and decoding.table is None
    assert decoding.note.startswith("Decoding: not made. `") and "got" in decoding.note


def test_what_does_not_apply_is_left_out():
    run = material(PerceptualDiscrimination(coherences=(0.1, 0.5), stimulus=400.0))
    found = made(run)
    assert not {"rt", "history", "timing", "currents", "context"} & set(found)
    lstm = nt.LSTM.for_task(run.task(), units=6, seed=0)
    session = lstm.run(run.task().grid(repeats=8, seed=0), seed=0)
    gated = Material(session, lstm.effective_weights(), lambda: lstm, run.task)
    assert not {"eigenvalues", "degrees", "currents"} & set(made(gated))


def test_a_run_without_a_test_is_refused(folder, tmp_path):
    copy = tmp_path / "c"
    shutil.copytree(folder, copy)
    (copy / "session.nc").unlink()
    with pytest.raises(
        ValueError, match=r"must hold session.nc, the test of the network, got none"
    ):
        load_run(copy).analyze()


@pytest.mark.parametrize("text", ["{", "[{}]", '[{"name": "rt", "note": ""}]'])
def test_a_damaged_index_is_refused(folder, tmp_path, text):
    (tmp_path / "analysis").mkdir()
    (tmp_path / "analysis" / "analysis.json").write_text(text)
    with pytest.raises(ValueError, match="must be what `neurotask analyze` wrote, got"):
        read(tmp_path)


def test_words_are_plain_json(folder):
    words = json.loads((folder / "analysis" / "analysis.json").read_text())
    assert {"name", "section", "heading", "caption", "alt", "size", "note"} == set(words[0])
    assert not any(np.isnan(one["size"]).any() for one in words)


def test_a_wrong_seed_is_refused_before_anything_is_made(folder):
    before = (folder / "report.html").stat().st_mtime
    with pytest.raises(ValueError, match="`seed` must be a whole number of 0 or more, got -1"):
        load_run(folder).analyze(seed=-1)
    assert (folder / "report.html").stat().st_mtime == before


def test_nothing_of_an_earlier_analysis_is_left(folder, tmp_path):
    copy = tmp_path / "d"
    shutil.copytree(folder, copy)
    stale = [copy / "analysis" / "rt.csv", copy / "figures" / "analysis_rt.png"]
    for path in stale:
        path.write_text("of before")
    load_run(copy).analyze()
    assert not any(path.exists() for path in stale)
