"""Kernels of leaky units against a loop over time in float64, finite differences, and themselves."""

import numba
import numpy as np
import pytest

from neurotask.backend.kernels import run as kernels
from neurotask.backend.kernels.blocks import normals
from neurotask.backend.kernels.crew import MOST, TRIALS, shards
from neurotask.backend.kernels.leaky import forward
from neurotask.backend.kernels.leaky_back import ALL, LASTING, NOTHING, OWN, adjoint
from neurotask.backend.memory import aligned

# Trials, steps, units, inputs, outputs: around the sizes of shards, of blocks and of a count.
SIZES = [
    (1, 1, 1, 1, 1),
    (3, 1, 1, 1, 1),
    (1, 8, 3, 2, 1),
    (33, 9, 5, 3, 2),
    (70, 17, 7, 1, 3),
    (MOST * TRIALS + 5, 3, 2, 2, 1),
    (2 * MOST * TRIALS + 1, 2, 2, 1, 1),
    (4, 25, 6, 1, 1),
]
FORMS = [False, True]
NOISES = [dict(), dict(shared=True), dict(private=False, shared=True), dict(private=False)]


def off(values, truth):
    """Return how far an array is from the truth, relative to the truth's size."""
    return np.linalg.norm(values - truth) / max(np.linalg.norm(truth), 1e-30)


def run(one, **how):
    return kernels.run(one.cell, one.w, one.inputs, one.given, **{"keep": True} | how)


def gradients(one, **how):
    how = {"factors": True, "wants_inputs": True} | how
    return kernels.gradients(
        one.cell, one.w, one.inputs, one.given, run(one), one.by_outputs, one.by_states, **how
    )


def check_gradients(one, passes=ALL, every=0):
    total, by_inputs = gradients(one, passes=passes, every=every)
    truth, truth_of_inputs = one.gradients(passes, every)
    for name, values in total._asdict().items():
        if values.size and not (name == "gain" and not one.rate_form):
            assert off(values, getattr(truth, name)) < 1e-5, name
    assert off(by_inputs, truth_of_inputs) < 1e-5


@pytest.mark.parametrize("rate_form", FORMS)
@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("noise", NOISES[:2])
def test_a_run_is_that_of_a_loop(problem, sizes, rate_form, noise):
    one = problem(*sizes, rate_form=rate_form, **noise)
    outputs, states, received = one.course()
    for trial_first in (False, True):
        course = run(one, trial_first=trial_first)
        turned = (1, 0, 2) if trial_first else (0, 1, 2)
        assert off(course.outputs, outputs) < 2e-6
        assert off(course.states.transpose(turned), states[1:]) < 2e-6
        # What the transfer function was of is for the way back alone, which wants time first.
        assert course.received.shape[2] == one.w.bias.size * (rate_form and not trial_first)
        if course.received.size:
            assert off(course.received, received) < 2e-6
    bare = run(one, keep=False)
    assert np.array_equal(bare.outputs, course.outputs) and not bare.states.size


@pytest.mark.parametrize("rate_form", FORMS)
@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("activation", ["relu", "tanh", "softplus"])
def test_noise_and_transfer_functions(problem, rate_form, noise, activation):
    one = problem(6, 19, 5, rate_form=rate_form, activation=activation, states=True, **noise)
    assert off(run(one).outputs, one.course()[0]) < 2e-6
    check_gradients(one)


@pytest.mark.parametrize("rate_form", FORMS)
@pytest.mark.parametrize("sizes", SIZES[:5] + SIZES[-1:])
def test_gradients_are_those_of_the_jacobians(problem, sizes, rate_form):
    check_gradients(problem(*sizes, rate_form=rate_form, shared=True, states=True))


@pytest.mark.parametrize("rate_form", FORMS)
@pytest.mark.parametrize("passes", [ALL, LASTING, NOTHING, OWN])
@pytest.mark.parametrize("every", [0, 1, 3, 8, 50])
def test_what_passes_from_step_to_step(problem, rate_form, passes, every):
    check_gradients(problem(4, 21, 5, rate_form=rate_form, states=True), passes, every)


@pytest.mark.parametrize("rate_form", FORMS)
def test_gradients_are_those_of_finite_differences(problem, rate_form):
    """Of the loop in float64, which checks the loop's own gradients as well."""
    one = problem(3, 10, 4, rate_form=rate_form, shared=True, states=True)
    total, by_inputs = gradients(one)
    rng, step = np.random.default_rng(1), 1e-4
    arrays = {**one.w._asdict(), "inputs": one.inputs}
    given = {**total._asdict(), "inputs": by_inputs}
    for name, values in arrays.items():
        if name == "gain" and not rate_form:
            continue
        for at in rng.integers(0, values.size, 3):
            sides, before = [], values.flat[at]
            for sign in (1, -1):
                values.flat[at] = before + sign * step
                sides.append((one.loss(), float(values.flat[at])))
            values.flat[at] = before
            slope = (sides[0][0] - sides[1][0]) / (sides[0][1] - sides[1][1])
            assert abs(given[name].flat[at] - slope) < 1e-5 * max(1, abs(slope)), name


def test_nothing_that_is_not_wanted_is_computed(problem):
    one = problem(5, 9, rate_form=True, shared=True)
    every, by_inputs = gradients(one)
    some, none = gradients(one, factors=False, wants_inputs=False)
    assert none.shape == (0, 0, 0) and by_inputs.shape == one.inputs.shape
    for name, values in some._asdict().items():
        if name in ("leak", "gain", "private", "shared"):
            assert values.shape == getattr(every, name).shape and not values.any()
        else:
            assert np.array_equal(values, getattr(every, name)), name


def test_credit_that_comes_by_the_states_alone(problem):
    one = problem(5, 9, states=True)
    one.by_outputs[:] = 0
    with_zeros, _ = gradients(one)
    total, _ = kernels.gradients(
        one.cell, one.w, one.inputs, one.given, run(one), kernels.NONE, one.by_states, factors=True
    )
    for name, values in total._asdict().items():
        np.testing.assert_array_equal(values, getattr(with_zeros, name), name)
    one.w.bias[0] = np.nan  # then zeros would not do
    total, _ = kernels.gradients(
        one.cell, one.w, one.inputs, one.given, run(one), kernels.NONE, one.by_states
    )
    assert np.isnan(total.recurrent).any() and not total.output.any()


def test_a_network_without_inputs_or_trials(problem):
    one = problem(4, 9, n_in=0)
    assert off(run(one).outputs, one.course()[0]) < 2e-6
    check_gradients(one)
    none = problem(0, 9)
    assert run(none).outputs.shape == (0, 9, 2)
    assert not any(values.any() for values in gradients(none)[0])


def test_given_noise_is_read_to_its_end_and_no_further():
    """Room for normals is in fours, so that there may be more of it than there are normals."""
    given = np.arange(10, dtype=np.float32).reshape(5, 2, 1)[:3]
    noise = kernels.Noise(1, np.uint64(0), 0, given)
    words, drawn = np.empty((4, 1), np.uint32), np.full(4, -1, np.float32)
    numba.njit(lambda *given: normals(*given))(noise, 0, 1, words, drawn)
    assert drawn.tolist() == [1, 3, 5, -1]


@pytest.mark.parametrize("rate_form", FORMS)
def test_named_noise_is_what_is_drawn(problem, rate_form):
    """Over shards, in the run and on the way back: as if the numbers had been given."""
    from neurotask.backend.kernels.noise import draw

    n, steps, size = 75, 10, 5
    one = problem(n, steps, size - 1, rate_form=rate_form, shared=True)
    drawn = np.empty((steps, n * size), np.float32)
    draw(np.uint64(9), 4, 0, drawn)
    one.noise[:] = drawn.reshape(steps, n, size).transpose(1, 0, 2)
    named = kernels.Noise(size, np.uint64(9), 4, kernels.NONE)
    course, truth = kernels.run(one.cell, one.w, one.inputs, named, True), run(one)
    assert np.array_equal(course.outputs, truth.outputs)
    total, _ = kernels.gradients(
        one.cell, one.w, one.inputs, named, course, one.by_outputs, factors=True
    )
    for name, values in gradients(one)[0]._asdict().items():
        np.testing.assert_array_equal(values, getattr(total, name), name)


def test_chunks_of_trials_have_the_noise_of_updates_of_their_own(problem):
    one, chunk = problem(75, 6, 4), 40
    named = kernels.Noise(4, np.uint64(9), 2, kernels.NONE)
    whole = kernels.run(one.cell, one.w, one.inputs, named, True, trial_first=True, chunk=chunk)
    for at in (0, chunk):
        rows, noise = slice(at, at + chunk), named._replace(update=2 + at // chunk)
        part = kernels.run(one.cell, one.w, one.inputs[rows], noise, True, trial_first=True)
        assert np.array_equal(part.outputs, whole.outputs[rows])
        assert np.array_equal(part.states, whole.states[rows])


def test_a_trial_does_not_depend_on_those_beside_it(problem):
    one = problem(TRIALS + 9, 9, 5)
    whole = run(one)
    parts = slice(0, TRIALS), slice(TRIALS, None)
    for rows in parts:
        given = one.given._replace(given=np.ascontiguousarray(one.noise[rows]))
        part = kernels.run(one.cell, one.w, one.inputs[rows], given, True)
        assert off(part.outputs, whole.outputs[rows]) < 1e-6


def test_inputs_of_other_weights_are_refused(problem):
    one, other = problem(n_in=3), problem(n_in=4)
    course = run(one)
    with pytest.raises(ValueError, match="`inputs` must have 3 channels, got 4"):
        kernels.run(one.cell, one.w, other.inputs, one.given, True)
    with pytest.raises(ValueError, match="`inputs` must have 3 channels, got 4"):
        kernels.gradients(one.cell, one.w, other.inputs, one.given, course, one.by_outputs)


def test_what_is_not_finite_comes_out(problem):
    for name in ("recurrent", "bias", "start", "output", "input"):
        for activation in ("relu", "tanh", "relu6"):
            one = problem(4, 9, activation=activation)
            getattr(one.w, name).flat[0] = np.nan
            assert np.isnan(run(one).outputs).any(), (name, activation)
            assert np.isnan(gradients(one)[0].output).any() or name == "output"


def test_shards_hold_each_trial_once():
    for n in (0, 1, 31, 32, 33, 64, 100, 511, 512, 513, 1024, 5000):
        parts = shards(n)
        assert [i for first, last in parts for i in range(first, last)] == list(range(n))
        assert len(parts) <= MOST
        assert all(last - first >= TRIALS for first, last in parts[:-1])
        assert all(first % 4 == 0 for first, _ in parts)  # a count gives four normals


def test_large_matrices_are_multiplied_in_parts(problem):
    one = problem(70, 9, 200, n_in=2)
    assert off(run(one).outputs, one.course()[0]) < 5e-6


def test_kernels_are_compiled_once(problem):
    """All that they are called with looks the same to numba, or each would take seconds more."""
    for rate_form in FORMS:
        for noise in (dict(), dict(private=False)):
            gradients(problem(rate_form=rate_form, **noise))
            run(problem(rate_form=rate_form, states=True, **noise), keep=False)
            gradients(problem(rate_form=rate_form, states=True, **noise), wants_inputs=False)
    assert len(forward.signatures) == 1 and len(adjoint.signatures) == 1


def test_room_starts_where_tensorflow_wants_it():
    for shape in ((3,), (5, 7), (0, 4), (64, 3, 1)):
        room = aligned(*shape)
        assert room.shape == shape and room.dtype == np.float32
        assert room.ctypes.data % 64 == 0 or not room.size
        assert room.flags.c_contiguous and room.flags.writeable
