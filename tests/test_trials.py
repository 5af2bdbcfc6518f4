"""Batches: labels, parts, and what leaves as xarray."""

import numpy as np


def test_some_of_the_trials(task):
    trials = task.trials(10, seed=0)
    for index in (slice(2, 5), [7, 1], trials.conditions["coherence"].to_numpy() > 0, 3):
        part = trials[index]
        wanted = np.arange(10)[index] if not isinstance(index, int) else [index]
        assert np.array_equal(part.inputs, trials.inputs[wanted])
        assert np.array_equal(part.conditions["coherence"], trials.conditions["coherence"][wanted])
        assert np.array_equal(part.phases["decision"], trials.phases["decision"][wanted])
        assert np.array_equal(part.answers, trials.answers[wanted])
        assert len(part) == len(wanted)


def test_to_xarray_names_every_axis(task):
    trials = task.trials(4, seed=0)
    dataset = trials.to_xarray()
    assert dataset["inputs"].dims == ("trial", "time", "input")
    assert dataset.sizes == {"trial": 4, "time": 70, "input": 3, "output": 2, "phase": 4}
    assert dataset["time"].values[[0, 1, -1]].tolist() == [0.0, 20.0, 1380.0]
    assert dataset["time"].attrs["units"] == "ms"
    assert np.array_equal(dataset["coherence"], trials.conditions["coherence"])
    start = dataset["phase_start"].sel(phase="stimulus")
    assert np.array_equal(start, trials.phases["stimulus"][:, 0])
    motion = dataset["inputs"].sel(input="motion_right").values
    assert np.array_equal(motion, trials.inputs[..., 2])


def test_reprs_say_what_is_there(task):
    trials = task.trials(4)
    assert "4 trials of PerceptualDiscrimination, 70 steps of 20 ms" in repr(trials)
    assert "stimulus: 300-1100 ms" in repr(trials.phases)
    assert "<table" in trials._repr_html_()
