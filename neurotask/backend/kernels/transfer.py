"""Transfer functions and their slopes, over whole arrays."""

import numpy as np

from neurotask.backend.kernels.compiling import kernel, part
from neurotask.backend.kernels.elementary import F, between, exp, positive, sigmoid, softplus, tanh

# Their numbers, by the names of Keras.
NAMES = (
    "linear", "relu", "tanh", "sigmoid", "softplus", "leaky_relu", "elu", "selu", "relu6",
    "hard_tanh", "hard_sigmoid", "softsign", "exponential", "silu",
)  # fmt: skip
(
    LINEAR, RELU, TANH, SIGMOID, SOFTPLUS, LEAKY_RELU, ELU, SELU, RELU6,
    HARD_TANH, HARD_SIGMOID, SOFTSIGN, EXPONENTIAL, SILU,
) = range(len(NAMES))  # fmt: skip
_AT_ONCE = 4096  # numbers
_SCALE, _SELU = F(1.0507009873554805), F(1.0507009873554805 * 1.6732632423543772)


@part
def activate(number, x, r):
    """Put phi(x) into r; both flat.

    Args:
        number: of the function, its place in `NAMES`.
        x: what the units receive.
        r: room for what they send.
    """
    zero, one = F(0.0), F(1.0)
    if number == LINEAR:
        for i in range(x.size):
            r[i] = x[i]
    elif number == RELU:
        for i in range(x.size):
            r[i] = positive(x[i])
    elif number == TANH:
        for i in range(x.size):
            r[i] = tanh(x[i])
    elif number == SIGMOID:
        for i in range(x.size):
            r[i] = sigmoid(x[i])
    elif number == SOFTPLUS:
        for i in range(x.size):
            r[i] = softplus(x[i])
    elif number == LEAKY_RELU:
        for i in range(x.size):
            r[i] = F(0.2) * x[i] if x[i] < zero else x[i]
    elif number == ELU:
        for i in range(x.size):
            r[i] = exp(x[i]) - one if x[i] < zero else x[i]
    elif number == SELU:
        for i in range(x.size):
            r[i] = _SELU * (exp(x[i]) - one) if x[i] < zero else _SCALE * x[i]
    elif number == RELU6:
        for i in range(x.size):
            r[i] = between(x[i], zero, F(6.0))
    elif number == HARD_TANH:
        for i in range(x.size):
            r[i] = between(x[i], -one, one)
    elif number == HARD_SIGMOID:
        for i in range(x.size):
            r[i] = between(x[i] / F(6.0) + F(0.5), zero, one)
    elif number == SOFTSIGN:
        for i in range(x.size):
            r[i] = x[i] / (one + abs(x[i]))
    elif number == EXPONENTIAL:
        for i in range(x.size):
            r[i] = exp(x[i])
    else:  # SILU
        for i in range(x.size):
            r[i] = x[i] * sigmoid(x[i])


@kernel
def apply(number, x, r):
    """Put phi(x) into r, which may be x; both flat. See `activate`."""
    # Not x itself: loops are vectorised where nothing overlaps.
    room = np.empty(_AT_ONCE, np.float32)
    for at in range(0, x.size, _AT_ONCE):
        n = min(_AT_ONCE, x.size - at)
        room[:n] = x[at : at + n]
        activate(number, room[:n], r[at : at + n])


@part
def steepen(number, x, r, c):
    """Multiply c by the slope phi'(x); all flat.

    Args:
        number: of the function, its place in `NAMES`.
        x: what the units receive.
        r: what they send, phi(x).
        c: what is multiplied.
    """
    zero, one = F(0.0), F(1.0)
    if number == RELU:
        for i in range(x.size):
            c[i] = c[i] if x[i] > zero else zero
    elif number == TANH:
        for i in range(x.size):
            c[i] *= one - r[i] * r[i]
    elif number == SIGMOID:
        for i in range(x.size):
            c[i] *= r[i] * (one - r[i])
    elif number == SOFTPLUS:
        for i in range(x.size):
            c[i] *= exp(x[i] - r[i])
    elif number == LEAKY_RELU:
        for i in range(x.size):
            c[i] *= one if x[i] > zero else F(0.2)
    elif number == ELU:
        for i in range(x.size):
            c[i] *= one if x[i] > zero else r[i] + one
    elif number == SELU:
        for i in range(x.size):
            c[i] *= _SCALE if x[i] >= zero else r[i] + _SELU
    elif number == RELU6:
        for i in range(x.size):
            c[i] = c[i] if zero < x[i] and x[i] < F(6.0) else zero
    elif number == HARD_TANH:
        for i in range(x.size):
            c[i] = c[i] if abs(x[i]) <= one else zero
    elif number == HARD_SIGMOID:
        for i in range(x.size):
            c[i] = c[i] / F(6.0) if abs(x[i]) < F(3.0) else zero
    elif number == SOFTSIGN:
        for i in range(x.size):
            c[i] /= (one + abs(x[i])) * (one + abs(x[i]))
    elif number == EXPONENTIAL:
        for i in range(x.size):
            c[i] *= r[i]
    elif number == SILU:
        for i in range(x.size):
            s = sigmoid(x[i])
            c[i] *= s + r[i] * (one - s)
