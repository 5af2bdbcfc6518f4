"""Comparisons as they are trained: paired, held to one criterion, resumable, the same in processes."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import neurotask as nt
from neurotask.comparison import workers
from neurotask.comparison.compare import TEST_SEED
from neurotask.load import module
from neurotask.tasks.perceptual_discrimination import PerceptualDiscrimination

HARD = PerceptualDiscrimination(coherences=(0.128, 0.512), stimulus=200.0, fixation=100.0)
EASY = HARD.replace(coherences=(0.9,))
SHAPED = nt.Curriculum(
    [nt.Stage(EASY, every=2, trials=16, threshold=0.6), nt.Stage(HARD, every=2, trials=16)]
)
PLAN = {"updates": 20, "batch_size": 16, "units": 12, "every": 4, "trials": 64, "threshold": 0.95,
        "learning_rate": 0.01, "processes": 1, "verbose": 0}  # fmt: skip


def compare(variants=None, task=HARD, **changes):
    given = {"shaped": SHAPED, "direct": HARD} if variants is None else variants
    return nt.compare(given, task, **(PLAN | {"seeds": 3} | changes))


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """Two variants, three pairs, trained in this process."""
    return compare(out=tmp_path_factory.mktemp("compared") / "c")


def bits(run):
    """All that training left in a run: weights, optimizer, logs."""
    model = run.model
    variables = [*model.get_weights(), *(np.asarray(v) for v in model.optimizer.variables)]
    return variables, run.history.to_csv(), run.log.to_csv(), run.session["outputs"].to_numpy()


def assert_same_bits(run, other):
    (weights, *rest), (others, *other_rest) = bits(run), bits(other)
    for one, another in zip(weights, others, strict=True):
        np.testing.assert_array_equal(one, another)
    assert rest[:2] == other_rest[:2]
    np.testing.assert_array_equal(rest[2], other_rest[2])


def test_the_table_says_what_the_logs_do(compared):
    table = compared.table
    assert table["variant"].tolist() == ["shaped"] * 3 + ["direct"] * 3
    assert table["seed"].tolist() == [0, 1, 2] * 2
    assert (table["status"] == "finished").all()
    for row in table.itertuples():
        run = compared.runs[row.variant, row.seed]
        target = run.log[run.log["name"] == "target"]
        passed = target[target["value"] >= 0.95]
        assert row.reached == bool(len(passed))
        assert row.updates == (passed["update"].iloc[0] if row.reached else 20)
        assert row.trials == 16 * row.updates
        # Of a curriculum, tests of 16 at every second update until its last stage is passed.
        own = run.log[run.log["name"] != "target"]
        assert row.tested == 64 * len(target) + 16 * len(own)
        assert row.trials_in_all == row.trials + row.tested
        assert row.stages == (2 if row.variant == "shaped" else 0)
        assert row.held_out == pytest.approx(np.mean(run.session["correct"]))
        assert row.loss == run.history["loss"].iloc[-1]
        assert (len(own) == 0) == (row.variant == "direct")


def test_all_variants_are_tested_equally_often(compared):
    for run in compared.runs.values():
        updates = run.log.loc[run.log["name"] == "target", "update"]
        assert updates.tolist() == list(range(4, 4 * len(updates) + 1, 4))


def test_the_summary_counts_who_never_got_there_as_slowest(compared):
    for variant, row in compared.summary.iterrows():
        group = compared.table[compared.table["variant"] == variant]
        assert (row["networks"], row["reached"]) == (3, group["reached"].sum())
        late = np.where(group["reached"], group["updates"], np.inf)
        assert row["updates"] == np.median(late)


def test_the_test_is_paired_by_seed(compared):
    table = compared.table.set_index(["variant", "seed"])["held_out"]
    found = compared.test("held_out").iloc[0]
    difference = table["direct"] - table["shaped"]
    assert found["median_difference"] == pytest.approx(difference.median())
    assert (found["a"], found["b"], found["pairs"]) == ("shaped", "direct", 3)
    own = compared.test(table.iloc[::-1])  # whatever the order of its index
    pd.testing.assert_frame_equal(own, compared.test("held_out"))


def test_all_networks_are_tested_on_the_same_trials(compared):
    wanted = HARD.grid(repeats=250, seed=TEST_SEED)
    sessions = compared.sessions
    np.testing.assert_array_equal(sessions["inputs"], wanted.inputs)
    assert sessions["outputs"].dims == ("variant", "network", "trial", "time", "output")
    assert sessions["choice"].dims == ("variant", "network", "trial")
    assert sessions["coherence"].dims == ("trial",)
    assert sessions["network"].values.tolist() == [0, 1, 2]
    for (variant, seed), run in compared.runs.items():
        one = sessions.sel(variant=variant, network=seed)
        for name in ("outputs", "choice", "correct", "rt", "coherence", "targets"):
            np.testing.assert_array_equal(one[name], run.session[name])
    assert "rates" not in sessions and sessions.attrs["psychometric_axis"] == "coherence"


def test_each_network_has_a_psychometric_curve(compared):
    sessions = compared.sessions
    with pytest.raises(ValueError, match="`by` must contain 'variant' where the Session"):
        nt.analysis.psychometric(sessions, by="network")
    with pytest.raises(ValueError, match="`by` must contain 'network' where the Session"):
        nt.analysis.psychometric(sessions, by="variant")
    fits = nt.analysis.psychometric(sessions, by=("variant", "network"))
    assert list(fits) == [("direct", 0), ("direct", 1), ("direct", 2), ("shaped", 0), ("shaped", 1), ("shaped", 2)]  # fmt: skip
    for key, run in compared.runs.items():
        one = nt.analysis.psychometric(run.session)
        pd.testing.assert_frame_equal(fits[key].counts.levels, one.counts.levels)
    assert compared.test(fits.table["bias"]).loc[0, "pairs"] <= 3  # undetermined ones are missing


def test_networks_are_there_to_be_looked_at(compared):
    assert len(compared.model("shaped", 2).units) == 12
    with pytest.raises(ValueError, match=r"`variant` must be one of .*, got 'shap'"):
        compared.model("shap", 2)
    with pytest.raises(ValueError, match=r"`seed` must be one of \[0, 1, 2\], got 3"):
        compared.model("shaped", 3)


def test_it_is_opened_again_as_it_stands(compared):
    again = nt.load_comparison(compared.path)
    pd.testing.assert_frame_equal(again.table, compared.table)
    assert again.variants == ("shaped", "direct") and again.seeds == (0, 1, 2)
    assert "6 of 6 runs over" in repr(again)
    shown = again._repr_html_()
    assert "pairs of networks" in shown and "<th>shaped</th>" in shown
    with pytest.raises(FileNotFoundError, match=r"has no comparison.toml"):
        nt.load_comparison(compared.path.parent)


def test_what_is_there_is_not_trained_again_and_nothing_else_is_taken_for_it(compared, monkeypatch):
    trained = []
    monkeypatch.setattr("neurotask.comparison.compare.train_here", lambda *_: trained.append(1))
    again = compare(out=compared.path)
    assert not trained and again.table.equals(compared.table)
    with pytest.raises(ValueError, match="`updates` was 20, now 21"):
        compare(out=compared.path, updates=21)
    with pytest.raises(
        ValueError,
        match=r"`variants.shaped.optimizer.learning_rate` was 0.01, now 0.02 .and 1 more",
    ):
        compare(out=compared.path, learning_rate=0.02)
    with pytest.raises(ValueError, match=r"`seeds` was \[0, 1, 2\], now \[0, 1, 2, 3\]"):
        compare(out=compared.path, seeds=4)
    with pytest.raises(FileExistsError, match="holds something else"):
        compare(out=compared.path.parent)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"seeds": 0}, ValueError, "`seeds` must be a whole number of 1 or more, got 0"),
        (
            {"seeds": [1, 1]},
            ValueError,
            r"`seeds` must be a number or different seeds, got \[1, 1\]",
        ),
        ({"updates": 0}, ValueError, "`updates` must be a whole number of 1 or more"),
        ({"processes": 0}, ValueError, "`processes` must be a whole number of 1 or more"),
        ({"verbose": 2}, ValueError, "`verbose` must be 0 or 1, got 2"),
        ({"record": ["voltage"]}, ValueError, '`record` must be one of "states", "rates"'),
        ({"threshold": 1.5}, ValueError, "`threshold` must be a number in"),
        ({"batch_size": 0}, ValueError, "`batch_size` must be a whole number"),
        ({"unit": 5}, TypeError, "got `unit`. Did you mean"),
    ],
)
def test_mistakes_show_before_anything_is_trained(changes, error, message, tmp_path):
    with pytest.raises(error, match=message):
        compare(out=tmp_path / "c", **changes)
    assert not (tmp_path / "c").exists()


def test_a_mistake_in_a_variant_names_it(tmp_path):
    with pytest.raises(TypeError, match="got `tauu`") as caught:
        compare({"good": {}, "bad": {"tauu": 1.0}}, out=tmp_path / "c")
    assert caught.value.__notes__ == ["This was in variant 'bad'."]


def test_architectures_may_differ_and_a_network_that_diverges_is_counted():
    wild = {"optimizer": "sgd", "learning_rate": 1e30}
    found = compare(
        {"gru": {"model": nt.GRU, "units": 5}, "wild": wild}, seeds=[4], record=["rates"]
    )
    gru, diverged = found.table.itertuples()
    assert (gru.status, diverged.status) == ("finished", "diverged")
    assert not diverged.reached and np.isnan(diverged.held_out) and diverged.updates < 20
    test = found.test("held_out").iloc[0]
    assert (test["censored_b"], test["b_smaller"], test["median_b"]) == (1, 1, -np.inf)
    sessions = found.sessions
    lost = sessions.sel(variant="wild", network=4)
    assert np.isnan(lost["outputs"]).all() and (lost["choice"] == "none").all()
    assert sessions["rates"].sizes["unit"] == 5
    found.plot()


def test_without_a_criterion_all_are_trained_to_their_own_end():
    found = compare(seeds=[1], threshold=None, updates=12)
    shaped, direct = found.table.itertuples()
    ends = found.runs["shaped", 1].log.query("event == 'end'")["update"]
    assert found.runs["direct", 1].log.empty and direct.updates == 12
    assert shaped.last_stage == ends.iloc[0] if len(ends) else np.isnan(shaped.last_stage)
    assert np.isnan(direct.last_stage) and not found.table["reached"].any()
    assert found.test("last_stage").iloc[0]["censored_b"] == 1
    assert len(found.plot().axes) == 1


def test_a_temporary_folder_lives_as_long_as_the_result():
    found = compare({"direct": {}}, seeds=1, updates=1)
    path = found.path
    assert path.is_dir()
    with pytest.raises(ValueError, match="`variants` must be two or more"):
        found.test()
    del found
    assert not path.exists()


def test_processes_give_the_same_bits_as_this_one(tmp_path):
    # Wide enough for the matrix products to be shared between threads, were there any to share.
    plan = {"units": 96, "batch_size": 64, "updates": 4, "seeds": 1, "threshold": 1.0}
    here, apart = (compare(out=tmp_path / f"{n}", processes=n, **plan) for n in (1, 2))
    assert "MPLBACKEND" in workers._environment(1)
    for key, run in here.runs.items():
        assert run.status == "finished"
        assert_same_bits(run, apart.runs[key])


def test_an_interrupt_stops_all_workers_and_a_second_call_goes_on(tmp_path, monkeypatch):
    plan = {"metric": "loss", "threshold": 0.0, "updates": 100, "seeds": 1, "every": 4, "trials": 8}
    told = workers.train_all

    def interrupted(runs, processes, tell):
        def stop(run, what):
            if what.get("updates", 0) >= 20:
                raise KeyboardInterrupt

        told(runs, processes, stop)

    monkeypatch.setattr("neurotask.comparison.compare.train_all", interrupted)
    with pytest.raises(KeyboardInterrupt):
        compare(out=tmp_path / "c", processes=2, **plan)
    half = nt.load_comparison(tmp_path / "c")
    statuses = {run.status for run in half.runs.values()}
    assert "interrupted" in statuses and statuses <= {"interrupted", "running"}
    with pytest.raises(ValueError, match="`runs` must be over to be tested, but"):
        half.test()
    monkeypatch.undo()
    done = compare(out=tmp_path / "c", **plan)
    whole = compare(out=tmp_path / "whole", **plan)
    assert (done.table["updates"] == 100).all()
    for key, run in done.runs.items():
        assert_same_bits(run, whole.runs[key])


METRIC = """
import os
from pathlib import Path




def fragile(evaluation):
    if not Path({marker!r}).exists():
        Path({marker!r}).touch()
        os._exit(7)
    return evaluation.accuracy
"""


def test_a_worker_that_dies_takes_one_run_with_it(tmp_path):
    file = tmp_path / "fragile.py"
    file.write_text(METRIC.format(marker=str(tmp_path / "died")))
    metric = module(file).fragile
    plan = {"metric": metric, "updates": 4, "seeds": 1, "processes": 1}
    # One process at a time, so that the first run dies and the second has a process of its own.
    with pytest.raises(RuntimeError, match="1 of 2 failed") as caught:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("os.cpu_count", lambda: 1)
            compare(out=tmp_path / "c", **(plan | {"processes": None}))
    found = nt.load_comparison(tmp_path / "c")
    (failed,) = [run for run in found.runs.values() if run.status != "finished"]
    assert str(failed.path) in str(caught.value) and "ended with code 7" in str(caught.value)
    again = compare(out=tmp_path / "c", **plan)
    assert (again.table["status"] == "finished").all()


def test_what_no_file_can_hold_is_trained_in_this_process(monkeypatch):
    names: dict = {"__name__": "__main__"}
    code = (
        "from dataclasses import dataclass\n"
        "from neurotask.tasks.perceptual_discrimination import PerceptualDiscrimination\n"
        "@dataclass(frozen=True, kw_only=True)\n"
        "class Mine(PerceptualDiscrimination):\n"
        "    '''My task.'''\n"
    )
    exec(code, names)
    task = names["Mine"](coherences=(0.512,), stimulus=200.0)

    def never(*_):
        raise AssertionError("a process was handed what only this one has")

    monkeypatch.setattr("neurotask.comparison.compare.train_all", never)
    found = compare({"direct": {}}, task, seeds=1, updates=2, processes=2)
    assert found.table["updates"].tolist() == [2]


def test_progress_is_told_in_lines_where_there_is_no_terminal(capsys):
    compare({"direct": {}}, seeds=2, updates=2, threshold=1.0, verbose=1)
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "1 of 2 runs: direct, seed 0: ended at update 2",
        "2 of 2 runs: direct, seed 1: ended at update 2",
    ]


def test_a_worker_is_told_its_share_of_the_cores(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    assert [workers._threads(n) for n in (1, 3, 8, 16)] == [8, 2, 1, 1]
    environment = workers._environment(2)
    assert environment["TF_NUM_INTRAOP_THREADS"] == environment["OMP_NUM_THREADS"] == "2"
    assert str(Path(nt.__file__).parents[1]) in environment["PYTHONPATH"]
    json.dumps(environment)
