"""Run the programs of `programs.py` on a processor and beside it on a GPU; needs JAX alone.

    python benchmarks/run_programs.py FOLDER

Prints a row a program: ms an update on both, and how far the losses lie from TensorFlow's.
"""

# JAX is on the machine with the GPU alone.
# pyright: reportMissingImports=false

import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax._src.interpreters import mlir
from jaxlib import xla_client
from jaxlib.mlir import ir

ROUNDS, SECONDS = 5, 4.0  # of a program: as many rounds, or as many as fit into that


def main(folder: Path) -> None:
    jax.config.update("jax_enable_x64", True)  # counters are of 64 bits
    gpu, cpu = jax.devices()[0], jax.devices("cpu")[0]
    print(f"jax {jax.__version__}, {gpu.device_kind}, processor {platform.machine()}\n")
    print("| update of | GPU, ms | processor, ms | ratio | compiled in, s | losses differ by |")
    print("| --- | --- | --- | --- | --- | --- |", flush=True)
    for file in sorted(folder.glob("*.npz")):
        told = np.load(file)
        values = [told[f"argument_{at}"] for at in range(len(told.files) - 2)]
        losses = told["losses"]
        program = file.with_suffix(".hlo").read_bytes()
        beside = timed(prepared(program, values, cpu), len(losses))[0]
        start = time.perf_counter()
        run = prepared(program, values, gpu)
        compiled = time.perf_counter() - start
        took, got = timed(run, len(losses))
        differ = np.max(np.abs(got - losses) / np.abs(losses))
        row = (str(told["name"]), f"{took:.3f}", f"{beside:.3f}", f"{took / beside:.2f}")
        print("|", " | ".join([*row, f"{compiled:.1f}", f"{differ:.0e}"]), "|", flush=True)


def prepared(program: bytes, values: list[np.ndarray], device: Any) -> Callable[[], Any]:
    """Return what runs a program on a device, from the same weights each time."""
    client = device.client
    module = ir.Module.parse(
        xla_client._xla.mlir.hlo_to_stablehlo(program), context=mlir.make_ir_context()
    )
    # TensorFlow's copies have no name in StableHLO; what holds a value back is one.
    text = str(module).replace("= mhlo.copy ", "= stablehlo.optimization_barrier ")
    devices = xla_client.DeviceList((device,))
    loaded = client.compile_and_load(text, devices, xla_client.CompileOptions())
    held = [jax.device_put(value, device) for value in values]
    return lambda: loaded.execute([jax.device_put(v, device, may_alias=False) for v in held])


def timed(run: Callable[[], Any], updates: int) -> tuple[float, np.ndarray]:
    """Return the median ms an update, and the losses."""
    took, losses = [], np.empty(0)
    while len(took) <= ROUNDS and sum(took) < SECONDS:
        start = time.perf_counter()
        losses = np.asarray(run()[0])
        took.append(time.perf_counter() - start)
    return float(np.median(took[1:] or took)) / updates * 1e3, losses


if __name__ == "__main__":
    main(Path(sys.argv[1]))
