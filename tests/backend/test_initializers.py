"""How synapses start: statistics, balance, radius, signs, absent synapses, names."""

import inspect
import json
import subprocess
import sys
from dataclasses import dataclass

import keras
import numpy as np
import pytest

from neurotask.backend import initializers
from neurotask.backend.initializers import (
    Balanced,
    Constant,
    Gaussian,
    Given,
    Identity,
    Initializer,
    Keras,
    Orthogonal,
    SpectralRadius,
    get,
)
from neurotask.backend.settings import decoded, encoded

N = 20
FREE, DALE = np.zeros(N), np.repeat([1.0, -1.0], [16, 4])
FULL = np.ones((N, N))
SPARSE = (np.random.default_rng(5).random((N, N)) < 0.5) | np.eye(N, dtype=bool)
WEIGHTED = SPARSE * np.random.default_rng(6).uniform(0.5, 2.0, (N, N))
STRENGTHS = {"full": FULL, "sparse": SPARSE.astype(float), "weighted": WEIGHTED}
SIGNS = {"free": FREE, "dale": DALE}

# One example of each class, and the kernels (strength, sign) that it takes; it refuses the others.
EVERY = {(strength, sign) for strength in STRENGTHS for sign in SIGNS}
EXAMPLES = {
    Balanced: (Balanced(np.float32(1.5)), {one for one in EVERY if one[1] == "dale"}),
    Constant: (Constant(np.float64(0.25)), EVERY),
    Gaussian: (Gaussian(2), EVERY),
    Given: (Given(SPARSE * DALE * np.float32(0.1)), EVERY),
    Identity: (Identity(0.5), EVERY),
    Keras: (Keras("variance_scaling", {"scale": np.float64(2.0), "mode": "fan_avg"}), EVERY),
    Orthogonal: (Orthogonal(1.5), {("full", "free")}),
    SpectralRadius: (SpectralRadius(0.9), EVERY),
}
CLASSES = [
    kind
    for kind in vars(initializers).values()
    if inspect.isclass(kind) and issubclass(kind, Initializer) and not inspect.isabstract(kind)
]


def rng(seed=0):
    return np.random.default_rng(seed)


def radius(weights):
    return np.abs(np.linalg.eigvals(weights)).max()


def sample(initializer, strength=FULL, sign=FREE, seed=0):
    return initializer.sample(rng(seed), strength, sign)


# What holds for each


@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize("strength", STRENGTHS)
@pytest.mark.parametrize("sign", SIGNS)
def test_contract(kind, strength, sign):
    initializer, takes = EXAMPLES[kind]
    given, signs = STRENGTHS[strength].copy(), SIGNS[sign].copy()
    if (strength, sign) not in takes:
        with pytest.raises(ValueError, match=f"`{kind.__name__}` needs"):
            sample(initializer, given, signs)
        return
    weights = sample(initializer, given, signs)
    assert weights.shape == given.shape and weights.dtype == np.float64 and weights.any()
    assert not weights[given == 0].any() and not np.signbit(weights[weights == 0]).any()
    assert (weights * signs >= 0).all()
    assert np.array_equal(weights, sample(initializer, given, signs))
    assert np.array_equal(given, STRENGTHS[strength]) and np.array_equal(signs, SIGNS[sign])


@pytest.mark.parametrize("kind", CLASSES)
def test_repr_is_exact_and_plain_data_restore(kind):
    initializer, _ = EXAMPLES[kind]
    again = eval(repr(initializer), vars(initializers).copy())
    assert again == initializer and repr(again) == repr(initializer)
    assert kind.from_config(json.loads(json.dumps(initializer.get_config()))) == initializer
    assert decoded(json.loads(json.dumps(encoded(initializer)))) == initializer
    assert hash(again) == hash(initializer)


@pytest.mark.parametrize("kind", CLASSES)
def test_gates_are_kernels_of_their_own(kind):
    initializer, takes = EXAMPLES[kind]
    strength, sign = sorted(takes)[0]
    gates = np.stack([STRENGTHS[strength]] * 2)
    if kind is Given:
        initializer = Given(np.stack([initializer.values] * 2))
    weights = sample(initializer, gates, SIGNS[sign])
    assert weights.shape == gates.shape
    if kind in (Constant, Given, Identity):
        assert np.array_equal(weights[0], weights[1])
        return
    assert not np.array_equal(weights[0], weights[1])
    # The first gate is what a kernel without gates would be: each is scaled by itself.
    assert np.array_equal(weights[0], sample(initializer, gates[0], SIGNS[sign]))


@pytest.mark.parametrize("kind", [Balanced, Gaussian, Keras, Orthogonal, SpectralRadius])
def test_the_seed_decides(kind):
    initializer, takes = EXAMPLES[kind]
    strength, sign = sorted(takes)[0]
    one, other = (sample(initializer, STRENGTHS[strength], SIGNS[sign], s) for s in (1, 2))
    assert not np.array_equal(one, other)


def test_one_of_your_own():
    @dataclass(frozen=True)
    class Alternating(Initializer):
        size: float = 1.0

        def sample(self, rng, strength, sign):
            post, pre = np.indices(strength.shape[-2:])
            return initializers.folded(self.size * (-1.0) ** (post + pre), strength, sign)

    mine = Alternating(2.0)
    assert np.array_equal(mine.sample(rng(), np.ones((1, 3)), np.array([0, 1, -1])), [[2, 2, -2]])
    assert get(mine) is mine and decoded(encoded(mine)) == mine


def test_folded_by_its_definition():
    values = np.array([[1.0, -2.0, 3.0], [-1.0, 2.0, 0.0]])
    strength = np.array([[1.0, 0.0, 2.0], [0.5, 1.0, 1.0]])
    weights = initializers.folded(values, strength, np.array([0, 1, -1]))
    assert np.array_equal(weights, [[1.0, 0.0, -6.0], [-0.5, 2.0, 0.0]])
    assert not np.signbit(weights[1, 2])


# Gaussian


def test_gaussian_draws_by_hand():
    draw = rng().standard_normal((N, N))
    sources = SPARSE.sum(1, keepdims=True)
    wanted = np.where(SPARSE, 2.0 * draw / np.sqrt(sources), 0.0)
    assert np.allclose(sample(Gaussian(2.0), STRENGTHS["sparse"]), wanted, rtol=1e-15)
    typed = sample(Gaussian(2.0), STRENGTHS["sparse"], DALE)
    assert np.allclose(typed, np.abs(wanted) * DALE, rtol=1e-15)
    assert np.allclose(sample(Gaussian(2.0), WEIGHTED), wanted * WEIGHTED, rtol=1e-15)


@pytest.mark.parametrize("sign", [0.0, 1.0])
def test_gaussian_keeps_the_variance_of_the_input(sign):
    n = 400
    strength = (rng(1).random((n, n)) < 0.25).astype(float)
    weights = sample(Gaussian(2.0), strength, np.full(n, sign))
    received = weights @ rng(2).standard_normal((n, 500))
    assert received.std() == pytest.approx(2.0, rel=0.02)


def test_a_unit_without_sources_starts_at_zero():
    strength = FULL.copy()
    strength[3] = 0
    for initializer in (Gaussian(), SpectralRadius(), Balanced(), Keras("glorot_uniform")):
        weights = sample(initializer, strength, DALE)
        assert np.isfinite(weights).all() and not weights[3].any() and weights[2].all()


# SpectralRadius


@pytest.mark.parametrize("excitatory", [None, 0.8])
@pytest.mark.parametrize("density", [1.0, 0.1])
@pytest.mark.parametrize("autapses", [True, False])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_radius_is_that_of_the_effective_matrix(excitatory, density, autapses, weighted):
    n = 100
    sign = np.zeros(n) if excitatory is None else np.where(np.arange(n) < excitatory * n, 1.0, -1.0)
    strength = (rng(3).random((n, n)) < density).astype(float)
    if not autapses:
        np.fill_diagonal(strength, 0)
    if weighted:
        strength *= rng(4).uniform(0.1, 3.0, (n, n))
    weights = sample(SpectralRadius(1.3), strength, sign)
    assert radius(weights) == pytest.approx(1.3, rel=1e-6)
    if excitatory:
        assert weights.sum() == pytest.approx(0.0, abs=1e-9)


def test_each_gate_has_the_radius():
    gates = np.stack([FULL, WEIGHTED, SPARSE])
    weights = sample(SpectralRadius(1.3), gates, DALE)
    assert np.array_equal(weights != 0, gates != 0)
    assert [radius(gate) for gate in weights] == pytest.approx([1.3] * 3, rel=1e-6)


def test_spectral_radius_draws_by_hand():
    draw = rng().standard_normal((N, N))
    weights = sample(SpectralRadius(0.9))
    assert np.allclose(weights, draw * 0.9 / radius(draw), rtol=1e-12)


def test_a_weak_cycle_is_a_cycle():
    # Two units: the radius is the root of the product of their weights, however weak one is.
    strength = np.array([[0.0, 1.0], [1e-8, 0.0]])
    weights = sample(SpectralRadius(0.5), strength, np.zeros(2))
    assert np.sqrt(abs(weights[0, 1] * weights[1, 0])) == pytest.approx(0.5, rel=1e-6)


def test_a_radius_of_zero_leaves_positive_zeros():
    weights = sample(SpectralRadius(0.0), FULL, DALE)
    assert not weights.any() and not np.signbit(weights).any()


@pytest.mark.parametrize("order", [np.arange(6), np.array([3, 0, 5, 1, 4, 2])])
def test_no_radius_without_cycles(order):
    acyclic = np.tril(np.ones((6, 6)), -1)[np.ix_(order, order)]
    with pytest.raises(
        ValueError,
        match=r"`radius` must be reachable, but the synapses form no cycle, so 1.1 cannot be had. Allow more synapses or use initializers.Gaussian\(\).",
    ):
        sample(SpectralRadius(), acyclic, np.zeros(6))


# Balanced


@pytest.mark.parametrize("strength", STRENGTHS)
def test_balance_and_variance_of_each_unit(strength):
    weights = sample(Balanced(1.5), STRENGTHS[strength], DALE)
    excitation, inhibition = weights[:, DALE > 0].sum(1), -weights[:, DALE < 0].sum(1)
    assert np.allclose(excitation, inhibition, rtol=1e-13) and (excitation > 0).all()
    assert np.allclose((weights**2).sum(1), 1.5**2, rtol=1e-13)
    assert (weights != 0).sum() == (STRENGTHS[strength] != 0).sum()


def test_balanced_weights_leave_no_eigenvalue_outside_the_disk():
    n = 400
    sign = np.where(np.arange(n) < 0.8 * n, 1.0, -1.0)
    disk = np.sqrt(1 - 2 / np.pi)  # standard deviation of |normal|
    assert radius(sample(Balanced(), np.ones((n, n)), sign)) == pytest.approx(disk, rel=0.05)
    assert radius(sample(Gaussian(), np.ones((n, n)), sign)) > 10 * disk


def test_balanced_weights_vary():
    """Ratios of a unit's weights are those of |normal| draws, and differ between units."""
    weights = sample(Balanced(), FULL, DALE)
    draw = np.abs(rng().standard_normal((N, N)))
    assert np.allclose(weights[:, 1] / weights[:, 0], draw[:, 1] / draw[:, 0])
    assert np.allclose(weights[:, -1] / weights[:, -2], draw[:, -1] / draw[:, -2])


# Identity, Constant, Orthogonal, Given


@pytest.mark.parametrize("strength", STRENGTHS)
def test_identity(strength):
    factor = np.diag(np.diag(STRENGTHS[strength]))
    assert np.array_equal(sample(Identity(-0.5), STRENGTHS[strength]), -0.5 * factor + 0.0)
    assert np.array_equal(sample(Identity(0.5), STRENGTHS[strength], DALE), 0.5 * factor * DALE)


def test_constant():
    assert np.array_equal(sample(Constant(-0.5), WEIGHTED), -0.5 * WEIGHTED)
    assert np.array_equal(sample(Constant(0.5), WEIGHTED, DALE), 0.5 * WEIGHTED * DALE)
    zeros = sample(Constant(), WEIGHTED, DALE)
    assert not zeros.any() and not np.signbit(zeros).any()


@pytest.mark.parametrize("shape", [(6, 6), (4, 9), (9, 4)])
def test_orthogonal(shape):
    weights = sample(Orthogonal(1.5), np.ones(shape), np.zeros(shape[1]))
    gram = weights @ weights.T if shape[0] <= shape[1] else weights.T @ weights
    assert weights.shape == shape
    assert np.allclose(gram, 1.5**2 * np.eye(min(shape)), atol=1e-13)


def test_rotations_are_alike_likely():
    # Without the sign fix the first entry is never positive.
    draws = [sample(Orthogonal(), np.ones((3, 3)), np.zeros(3), s)[0, 0] for s in range(400)]
    assert abs(np.mean(draws)) < 4 * np.sqrt(1 / 3 / 400)
    assert np.mean(np.square(draws)) == pytest.approx(1 / 3, rel=0.15)


def test_given_weights_are_used_as_they_are():
    values = np.where(SPARSE, rng(1).standard_normal((N, N)), 0.0)
    assert np.array_equal(sample(Given(values), WEIGHTED), values)
    values[0, 0] = 5.0
    assert get(values) == Given(values.tolist())


def test_given_weights_are_copied():
    values = FULL.copy()
    given = Given(values)
    values[0, 0] = 5.0
    assert given == Given(FULL)
    sample(given)[0, 0] = 5.0
    assert np.array_equal(sample(given), FULL)


# Keras


@pytest.mark.parametrize("name", ["glorot_uniform", "he_normal", "truncated_normal", "orthogonal"])
def test_a_full_free_kernel_is_what_keras_draws(name):
    wanted = np.array(getattr(keras.initializers, name)(seed=7)((5, 3), dtype="float32")).T
    weights = sample(Keras(name, {"seed": 7}), np.ones((3, 5)), np.zeros(5))
    assert np.array_equal(weights, wanted)
    # A seed of its own leaves the model's without effect.
    assert np.array_equal(
        weights, sample(Keras(name, {"seed": 7}), np.ones((3, 5)), np.zeros(5), 1)
    )


def test_keras_weights_are_folded_and_masked():
    free = sample(Keras("glorot_uniform"))
    assert (free < 0).any() and (free > 0).any()
    assert np.allclose(np.abs(free).max(), np.sqrt(6 / (2 * N)), rtol=0.02)
    assert np.array_equal(
        sample(Keras("glorot_uniform"), WEIGHTED, DALE), np.abs(free) * DALE * WEIGHTED + 0
    )


def test_gates_with_a_seed_differ():
    weights = sample(Keras("he_normal", {"seed": 7}), np.ones((2, 3, 5)), np.zeros(5))
    for gate in (0, 1):
        alone = sample(Keras("he_normal", {"seed": 7 + gate}), np.ones((3, 5)), np.zeros(5))
        assert np.array_equal(weights[gate], alone)


def test_keras_settings_are_copied_and_their_order_is_none():
    settings = {"scale": 2.0, "mode": "fan_out"}
    one = Keras("variance_scaling", settings)
    settings["scale"] = 3.0
    other = Keras("variance_scaling", {"mode": "fan_out", "scale": 2})
    assert one == other and hash(one) == hash(other)


@keras.saving.register_keras_serializable("tests")
class Ramp(keras.initializers.Initializer):
    """Counts up, by a step."""

    def __init__(self, step=1.0):
        self.step = step

    def __call__(self, shape, dtype=None):
        return self.step * keras.ops.reshape(keras.ops.arange(np.prod(shape), dtype=dtype), shape)

    def get_config(self):
        return {"step": self.step}


class Unregistered(keras.initializers.Initializer):
    def __call__(self, shape, dtype=None):
        return keras.ops.zeros(shape, dtype)


def test_an_initializer_registered_with_keras():
    ramp = get(Ramp(0.5))
    assert ramp == Keras("tests>Ramp", {"step": 0.5})
    assert get("tests>Ramp") == Keras("tests>Ramp")
    assert np.array_equal(
        ramp.sample(rng(), np.ones((2, 3)), np.zeros(3)), np.arange(6).reshape(3, 2).T / 2
    )


# get


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (None, None),
        (Gaussian(2.0), Gaussian(2.0)),
        ("gaussian", Gaussian()),
        ("spectral_radius", SpectralRadius()),
        ("SpectralRadius", SpectralRadius()),
        ("balanced", Balanced()),
        ("identity", Identity()),
        ("orthogonal", Orthogonal()),
        ("Orthogonal", Orthogonal()),
        ("constant", Constant()),
        ("zeros", Constant(0.0)),
        ("Zeros", Constant(0.0)),
        ("ones", Keras("ones")),
        ("glorot_uniform", Keras("glorot_uniform")),
        ("HeNormal", Keras("HeNormal")),
        (keras.initializers.GlorotUniform(), Keras("glorot_uniform")),
        (keras.initializers.HeNormal(seed=3), Keras("he_normal", {"seed": 3})),
        (keras.initializers.Orthogonal(gain=2.0), Keras("orthogonal", {"gain": 2.0})),
        (keras.initializers.Identity(), Keras("identity")),
        ([[0.0, 1.0]], Given(((0.0, 1.0),))),
        (np.ones((2, 2, 2)), Given(np.ones((2, 2, 2)))),
        (keras.ops.ones((2, 2)), Given(np.ones((2, 2)))),
    ],
)
def test_get(value, wanted):
    assert get(value) == wanted and type(get(value)) is type(wanted)


def test_keras_loads_only_where_it_is_needed():
    code = (
        "import sys, numpy as np\n"
        "from neurotask.backend import initializers as i\n"
        "i.get(None), i.get(i.Gaussian()), i.get('zeros'), i.get(np.ones((2, 2)))\n"
        "try: i.get(5)\n"
        "except TypeError: print({'keras', 'tensorflow'} & set(sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


# Errors


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Gaussian(-1.0), ValueError, r"`gain` must be a number of 0 or more, got -1.0."),
        (lambda: Balanced(-1.0), ValueError, r"`gain` must be a number of 0 or more, got -1.0."),
        (lambda: Orthogonal("1"), ValueError, r"`gain` must be a number of 0 or more, got '1'."),
        (
            lambda: SpectralRadius(np.inf),
            ValueError,
            r"`radius` must be a number of 0 or more, got inf.",
        ),
        (lambda: Identity(np.nan), ValueError, r"`scale` must be a finite number, got nan."),
        (lambda: Constant([1.0]), ValueError, r"`value` must be a finite number, got \[1.0\]."),
        (
            lambda: sample(SpectralRadius(), np.ones((3, 2)), np.zeros(2)),
            ValueError,
            r"`SpectralRadius` needs a square kernel, got \(post, pre\) = \(3, 2\). Keep it for recurrent synapses or use initializers.Gaussian\(\).",
        ),
        (
            lambda: sample(Identity(), np.ones((3, 2)), np.zeros(2)),
            ValueError,
            r"`Identity` needs a square kernel, got \(post, pre\) = \(3, 2\).",
        ),
        (
            lambda: sample(Identity(), np.array([[1, 1, 0], [1, 0, 1], [1, 1, 0.0]]), np.zeros(3)),
            ValueError,
            r"`Identity` needs autapses, but 2 of 3 do not exist, the first that of unit 1. Allow them \(autapses=True and a mask with them\) or use initializers.SpectralRadius\(\).",
        ),
        (
            lambda: sample(Identity(-0.5), FULL, DALE),
            ValueError,
            r"`scale` must be 0 or more where units have types, since the sign is that of the source \(Dale's law\), got -0.5. Give 0.5.",
        ),
        (
            lambda: sample(Constant(-0.5), FULL, DALE),
            ValueError,
            r"`value` must be 0 or more where units have types, since the sign is that of the source \(Dale's law\), got -0.5. Give 0.5.",
        ),
        (
            lambda: sample(Balanced(), FULL, np.ones(N)),
            ValueError,
            r"`Balanced` needs sources of both types, excitatory and inhibitory. Give types to the units, as in Units\(50, excitatory=0.8\), or use initializers.Gaussian\(\).",
        ),
        (
            lambda: sample(Balanced(), FULL, np.where(np.arange(N) == 0, 0.0, DALE)),
            ValueError,
            r"`Balanced` needs sources of both types",
        ),
        (
            lambda: sample(
                Balanced(),
                np.array([[1, 1, 1], [0, 0, 0], [1, 1, 0], [0, 0, 1.0]]),
                np.array([1, 1, -1]),
            ),
            ValueError,
            r"`Balanced` needs excitatory and inhibitory sources for each unit that has any, but unit 2 has excitatory ones only \(one of 2 such\). Allow more synapses or use initializers.Gaussian\(\).",
        ),
        (
            lambda: sample(Balanced(), np.array([[0, 0, 1.0]]), np.array([1, 1, -1])),
            ValueError,
            r"but unit 0 has inhibitory ones only \(one of 1 such\)",
        ),
        (
            lambda: sample(Orthogonal(), FULL, DALE),
            ValueError,
            r"`Orthogonal` needs units without types: no rotation is left once Dale's law gives each source its sign. Use initializers.Balanced\(\) or Gaussian\(\).",
        ),
        (
            lambda: sample(Orthogonal(), FULL - np.eye(N)),
            ValueError,
            r"`Orthogonal` needs every synapse, each with the factor 1, since a mask leaves no rotation, but 20 of 400 are absent or weighted. Use initializers.Gaussian\(\), or SpectralRadius\(\) if recurrent.",
        ),
        (
            lambda: Given([[1.0], [1.0, 2.0]]),
            ValueError,
            r"`values` must be an array \(post, pre\) of numbers, got rows of several lengths.",
        ),
        (
            lambda: Given([1.0, 2.0]),
            ValueError,
            r"`values` must be an array \(post, pre\) or \(gate, post, pre\) of numbers, got float64 of shape \(2,\).",
        ),
        (
            lambda: Given([["1.0"]]),
            ValueError,
            r"`values` must be an array \(post, pre\) or \(gate, post, pre\) of numbers, got <U3 of shape \(1, 1\).",
        ),
        (
            lambda: Given([[1.0, 2.0], [np.nan, np.inf]]),
            ValueError,
            r"`values` must be finite, but 2 are not, the first, nan, at \(post, pre\) = \(1, 0\).",
        ),
        (
            lambda: sample(Given([[1.0, 2.0]])),
            ValueError,
            r"`values` must have the shape \(post, pre\) = \(20, 20\), got \(1, 2\).",
        ),
        (
            lambda: sample(Given([[1.0, 2.0]]), np.ones((4, 1, 2)), np.zeros(2)),
            ValueError,
            r"`values` must have the shape \(gate, post, pre\) = \(4, 1, 2\), got \(1, 2\).",
        ),
        (
            lambda: sample(Given(FULL), FULL - np.eye(N)),
            ValueError,
            r"`values` must be 0 where no synapse exists, but 20 are not, the first at \(post, pre\) = \(0, 0\). Set them to 0 or allow these synapses.",
        ),
        (
            lambda: sample(Given(FULL), FULL, DALE),
            ValueError,
            r"`values` must obey Dale's law, but 80 do not, the first from unit 16 \(inhibitory, so 0 or less\). Change their signs or the types of the units.",
        ),
        (
            lambda: sample(Given(-FULL), FULL, DALE),
            ValueError,
            r"but 320 do not, the first from unit 0 \(excitatory, so 0 or more\)",
        ),
        (
            lambda: Keras("glorot_unifrm"),
            ValueError,
            r'`name` must be one of "constant", .*"zeros", got \'glorot_unifrm\'. Did you mean "glorot_uniform"\?',
        ),
        (lambda: Keras("Initializer"), ValueError, r"`name` must be one of .*, got 'Initializer'."),
        (lambda: Keras("ones", 5), TypeError, r"`settings` must be a dict of arguments, got 5."),
        (
            lambda: Keras("variance_scaling", {"scal": 2.0}),
            ValueError,
            r'`settings` must be one of "scale", .*, got \'scal\'. Did you mean "scale"\?',
        ),
        (
            lambda: Keras("constant", {"value": {"a": 1}}),
            ValueError,
            r"`settings\['value'\]` must be a number, a string, None or a tuple of them, got {'a': 1}.",
        ),
        (
            lambda: Keras("he_normal", {"seed": -1}),
            ValueError,
            r"`settings\['seed'\]` must be a whole number of 0 or more, got -1.",
        ),
        # In Keras' own words.
        (
            lambda: Keras("variance_scaling", {"scale": 0.0}),
            ValueError,
            r"`scale` must be positive",
        ),
        (
            lambda: get("gausian"),
            ValueError,
            r'`initializer` must be one of "balanced", .*"glorot_uniform", .*, got \'gausian\'. Did you mean "gaussian"\?',
        ),
        (
            lambda: get(5.0),
            TypeError,
            r"`initializer` must be an Initializer, the name of one, an initializer of Keras, an array \(post, pre\) of weights or None, got 5.0. See neurotask.backend.initializers.",
        ),
        (lambda: get(Gaussian), TypeError, r"`initializer` must be .*, got <class .*Gaussian'>"),
        (
            lambda: get(np.float64(1.0)),
            TypeError,
            r"`initializer` must be .*, got np.float64\(1.0\)",
        ),
        (
            lambda: get(Unregistered()),
            ValueError,
            r"`initializer` must be one of Keras or registered with it, got Unregistered. Put @keras.saving.register_keras_serializable\(\) above the class.",
        ),
        (
            lambda: get(keras.initializers.HeNormal(seed=keras.random.SeedGenerator(1))),
            ValueError,
            r"`settings\['seed'\]` must be a number, a string, None or a tuple of them",
        ),
    ],
)
def test_errors(make, error, message):
    with pytest.raises(error, match=message):
        make()
