"""What learning rules take: one-trial updates beside plain NumPy loops, batches, memory, FORCE."""

import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import tensorflow as tf

import neurotask as nt
from benchmarks.memory import peak
from benchmarks.table import lined_up
from benchmarks.timing import Candidate, Times, interleave

# The experiment of Murray's notebook: 50 units, 100 steps, one trial an update, no input.
UNITS, STEPS, LEAK = 50, 100, 0.1
EXECUTED = 50  # updates in one execution
REPLICAS = 9
HEADINGS = ("measurement", "median", "best", "ratio", "target, or others")

Rows = list[tuple[str, ...]]


def table(rounds: int) -> str:
    """Return all rows as a Markdown table. What starts processes comes first."""
    return lined_up([HEADINGS, *_memory(), *_one_trial(rounds), *_batches(rounds), *_force(rounds)])


# --- one trial an update -------------------------------------------------------------------------


def target(steps: int) -> np.ndarray:
    """Return the sum of three sines that the notebook's network learns, (time,)."""
    phase = 2 * np.pi * np.arange(steps) / steps
    return np.sin(phase) + 0.5 * np.sin(2 * phase) + 0.25 * np.sin(4 * phase)


def network(rule: Any, units: int = UNITS, seed: int = 0, engine: str = "xla") -> nt.RateRNN:
    """Return a compiled network of the notebook's kind."""
    learns = {"initial_state": False, "bias": False, "output_bias": False}
    model = nt.RateRNN(
        ["silent"], ["z"], units=units, dt=1.0, tau=1 / LEAK, activation="tanh", form="rate",
        input=nt.Connectivity(frozen="->"), trainable=learns, seed=seed,
    )  # fmt: skip
    model.compile("sgd", rule=rule, engine=engine)
    return model


def _one_trial(rounds: int) -> Rows:
    free = nt.rules.Descent(clip_norm=None)
    rules = {
        "RFLO": nt.rules.RFLO(update=free),
        "RFLO, at each step": nt.rules.RFLO(update=free, when=1),
        "BPTT": nt.rules.BPTT(clip_norm=None),
        "RTRL": nt.rules.RTRL(update=free),
    }
    calls = {f"{name}, one trial": _updates(network(rule)) for name, rule in rules.items()}
    for name in ("RFLO", "BPTT"):
        calls[f"{name}, {REPLICAS} networks at once"] = _replicas(rules[name])
    calls |= {"NumPy loop, RFLO": _loop(rflo_loop), "NumPy loop, BPTT": _loop(bptt_loop)}
    times = interleave(calls, rounds)
    targets = {"RFLO, one trial": "<= 0.1 ms", "BPTT, one trial": "<= 0.4 ms"}
    targets |= {"RTRL, one trial": "<= 30 ms"}
    return [
        (
            f"{name}, {UNITS} units, {STEPS} steps",
            f"{own.median:.3f} ms",
            f"{own.best:.3f} ms",
            _beside(name, own, times),
            targets.get(name, "<= 4" if "at once" in name else ""),
        )
        for name, own in times.items()
    ]


def _beside(name: str, own: Times, times: dict[str, Times]) -> str:
    """Return the ratio to the loop of the same rule, or to one network."""
    rule = name.partition(",")[0]
    if "at once" in name:
        return f"{own.ratio(times[f'{rule}, one trial']):.2f} x one"
    loop = f"NumPy loop, {rule}"
    return f"{own.ratio(times[loop]):.3f} x NumPy loop" if loop in times else ""


def _arrays(n: int, trials: int, steps: int) -> list[Any]:
    """Return the stacked batches of n updates."""
    wanted = np.broadcast_to(target(steps)[:, None], (n, trials, steps, 1)).astype(np.float32)
    lengths = np.full((n, trials), steps, np.int32)
    return [np.zeros_like(wanted), wanted, np.ones_like(wanted), lengths]


def _updates(model: nt.RateRNN, n: int = EXECUTED, trials: int = 1) -> Candidate:
    arrays, key = _arrays(n, trials, STEPS), tf.constant([1, 0], tf.int64)
    call = lambda: model.trainer._execute(*arrays, key)[0].numpy()  # noqa: E731
    return Candidate(call, repeats=3, updates=n)


def _replicas(rule: Any) -> Candidate:
    """Return an execution of as many updates of several networks at once."""
    networks = nt.Networks.like(network(rule), REPLICAS)
    groups = networks._trained()._groups
    for group in groups:
        group.gather()
    arrays = [np.stack([array] * REPLICAS, 1) for array in _arrays(EXECUTED, 1, STEPS)]
    keys, pool = np.zeros((REPLICAS, 2), np.int64), ThreadPoolExecutor(len(groups))
    call = lambda: list(pool.map(lambda group: group.make(arrays, keys), groups))  # noqa: E731
    return Candidate(call, 3, EXECUTED)


def _loop(loop: Callable[..., None]) -> Candidate:
    rng = np.random.default_rng(0)
    weights = [
        1.5 * rng.standard_normal((UNITS, UNITS)) / UNITS**0.5,
        0.1 * rng.uniform(-1, 1, (1, UNITS)) / UNITS**0.5,
        rng.standard_normal((UNITS, 1)),
    ]
    return Candidate(lambda: [loop(*weights, target(STEPS)) for _ in range(5)], 3, 5)


def rflo_loop(w: np.ndarray, readout: np.ndarray, b: np.ndarray, wanted: np.ndarray) -> None:
    """Make an update by RFLO, as its equations read: traces in a loop over steps."""
    h, p = np.full(len(w), 0.1), np.zeros_like(w)
    dw, dreadout = np.zeros_like(w), np.zeros_like(readout)
    for y in wanted:
        rates = np.tanh(w @ h)
        p = (1 - LEAK) * p + LEAK * np.outer(1 - rates**2, h)
        h = (1 - LEAK) * h + LEAK * rates
        error = readout @ h - y
        dw += (b @ error)[:, None] * p
        dreadout += np.outer(error, h)
    w -= 0.03 / len(wanted) * dw
    readout -= 0.03 / len(wanted) * dreadout


def bptt_loop(w: np.ndarray, readout: np.ndarray, _: np.ndarray, wanted: np.ndarray) -> None:
    """Make an update by BPTT in loops over steps, forward and backward."""
    states, slopes, errors = [np.full(len(w), 0.1)], [], []
    for y in wanted:
        rates = np.tanh(w @ states[-1])
        states.append((1 - LEAK) * states[-1] + LEAK * rates)
        slopes.append(LEAK * (1 - rates**2))
        errors.append(readout @ states[-1] - y)
    credit, dw, dreadout = np.zeros(len(w)), np.zeros_like(w), np.zeros_like(readout)
    for before, after, slope, error in zip(
        states[-2::-1], states[:0:-1], slopes[::-1], errors[::-1], strict=True
    ):
        credit = credit + readout.T @ error
        dw += np.outer(slope * credit, before)
        dreadout += np.outer(error, after)
        credit = (1 - LEAK) * credit + w.T @ (slope * credit)
    w -= 0.03 / len(wanted) * dw
    readout -= 0.03 / len(wanted) * dreadout


# --- batches -------------------------------------------------------------------------------------


def _batches(rounds: int) -> Rows:
    """Return what an update of each rule takes, by what runs it and by the other engines."""
    kinds = {
        name: kind
        for name, kind in nt.rules.named().items()
        if kind.price is not None and name != "force"
    }
    models = {
        (name, engine): network(kind(), 32, engine=engine)
        for name, kind in kinds.items()
        for engine in ("auto", "graph", "xla")
    }
    calls = {key: _updates(model, n=2, trials=64) for key, model in models.items()}
    times = interleave(calls, max(rounds // 3, 1))
    rows: Rows = []
    for name in kinds:
        own, graph, xla = (times[name, engine] for engine in ("auto", "graph", "xla"))
        title = f"{name}, 64 trials, 32 units, {STEPS} steps, {models[name, 'auto'].runs_on}"
        beside = f"{own.ratio(times['bptt', 'auto']):.1f} x BPTT"
        others = f"graph {graph.median:.1f} ms, xla {xla.median:.1f} ms"
        rows.append((title, f"{own.median:.1f} ms", f"{own.best:.1f} ms", beside, others))
    return rows


# --- FORCE ---------------------------------------------------------------------------------------

FORCED, LONG = 1000, 2000  # units, steps of the trial


def _force(rounds: int) -> Rows:
    """Return what a step of FORCE takes, beside the loop in NumPy."""
    model = nt.RateRNN(
        ["silent"], ["z"], units=FORCED, dt=1.0, tau=10.0, activation="tanh",
        feedback=nt.Connectivity(),
    )  # fmt: skip
    model.compile("sgd", rule="force", engine="xla")
    arrays, key = _arrays(1, 1, LONG), tf.constant([1, 0], tf.int64)
    rng = np.random.default_rng(0)
    recurrent = (1.5 * rng.standard_normal((FORCED, FORCED)) / FORCED**0.5).astype(np.float32)
    calls = {
        "FORCE": Candidate(lambda: model.trainer._execute(*arrays, key)[0].numpy(), 1, LONG),
        "NumPy loop, FORCE": Candidate(lambda: force_loop(recurrent, target(LONG)), 1, LONG),
    }
    times = interleave(calls, max(rounds // 3, 1))
    loop = times["NumPy loop, FORCE"]
    return [
        (
            f"{name}, a step of {FORCED} units, readout learned every 2nd, float32",
            f"{own.median:.3f} ms",
            f"{own.best:.3f} ms",
            "" if own is loop else f"{own.ratio(loop):.2f} x NumPy loop",
            "" if own is loop else "<= 0.2 ms",
        )
        for name, own in times.items()
    ]


def force_loop(recurrent: np.ndarray, wanted: np.ndarray) -> None:
    """Run a trial of FORCE as its equations read."""
    n = len(recurrent)
    x, w, p = np.full(n, 0.1, np.float32), np.zeros(n, np.float32), np.eye(n, dtype=np.float32)
    fed, r, z = np.linspace(-1, 1, n, dtype=np.float32), np.tanh(x), np.float32(0)
    for t, y in enumerate(wanted.astype(np.float32)):
        x = np.float32(1 - LEAK) * x + np.float32(LEAK) * (recurrent @ r + fed * z)
        r = np.tanh(x)
        z = w @ r
        if t % 2:
            pr = p @ r
            k = pr / (1 + r @ pr)
            p -= np.outer(k, pr)
            w -= (z - y) * k


# --- memory --------------------------------------------------------------------------------------

MEMORY = (
    ("bptt", 1000, 1000, ""),
    ("rflo", 1000, 1000, "<= 1.5 x BPTT"),
    ("rtrl", 100, 2, ""),
    ("rtrl", 200, 2, ""),
    ("rtrl", 300, 2, ""),
    ("rtrl", 400, 2, ""),
)


def _memory() -> Rows:
    rows: Rows = []
    first = None
    for rule, units, steps, wanted in MEMORY:
        command = [sys.executable, "-m", "benchmarks.rules", rule, str(units), str(steps)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        told = json.loads(done.stdout.splitlines()[-1])
        first = first or told["grown"]
        ratio = f"{told['grown'] / first:.2f} x BPTT" if rule == "rflo" else ""
        kept = f", {told['traces'] / 2**20:.0f} MiB of it traces" if told["traces"] else ""
        name = f"peak memory of an update beyond the model, {rule}, {units} units, {steps} steps"
        rows.append((name + kept, f"{told['grown']:.0f} MiB", "", ratio, wanted))
    return rows


def _measure(rule: str, units: int, steps: int) -> dict[str, float]:
    model = network(rule, units)
    small, arrays = _arrays(1, 1, 2), _arrays(1, 1, steps)
    key = tf.constant([1, 0], tf.int64)
    if not model.rule.traces(model):  # traces are as large in a short trial
        model.trainer._execute(*small, key)[0].numpy()  # what compilation takes is there before
    before = peak()
    model.trainer._execute(*arrays, key)[0].numpy()
    return {"grown": peak() - before, "traces": 4 * model.rule.traces(model)}


if __name__ == "__main__":
    print(json.dumps(_measure(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
