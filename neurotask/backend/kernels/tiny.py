"""Numbers too small to be normal count as 0 while kernels run.

TensorFlow sets its own threads so; other threads compute with such numbers, a hundred times slower
on some processors. Without this, what a shard comes to would depend, in its last bits, on whose
thread it is worked on, and what decays over a trial would slow it down.
"""

import platform
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from neurotask.backend.kernels.compiling import kernel

# Bits of the control word of a thread: results that small are 0 (and, on x86, so are operands).
_ON_X86, _ON_ARM = 0x8040, 1 << 24
_X86 = platform.machine().lower() in ("x86_64", "amd64")
_ARM = platform.machine().lower() in ("aarch64", "arm64")

_WORD = ir.IntType(32) if _X86 else ir.IntType(64)


def _read(builder: Any) -> Any:
    """Return the control word of the thread."""
    if _X86:
        room = builder.alloca(_WORD)
        builder.call(_function(builder, "llvm.x86.sse.stmxcsr"), [_address(builder, room)])
        return builder.load(room)
    return builder.call(_function(builder, "llvm.aarch64.get.fpcr"), [])


def _write(builder: Any, word: Any) -> None:
    """Set the control word of the thread."""
    if _X86:
        room = builder.alloca(_WORD)
        builder.store(word, room)
        builder.call(_function(builder, "llvm.x86.sse.ldmxcsr"), [_address(builder, room)])
    else:
        builder.call(_function(builder, "llvm.aarch64.set.fpcr"), [word])


def _address(builder: Any, room: Any) -> Any:
    return builder.bitcast(room, ir.IntType(8).as_pointer())


def _function(builder: Any, name: str) -> Any:
    address, nothing = ir.IntType(8).as_pointer(), ir.VoidType()
    kinds = {
        "llvm.x86.sse.stmxcsr": ir.FunctionType(nothing, [address]),
        "llvm.x86.sse.ldmxcsr": ir.FunctionType(nothing, [address]),
        "llvm.aarch64.get.fpcr": ir.FunctionType(_WORD, []),
        "llvm.aarch64.set.fpcr": ir.FunctionType(nothing, [_WORD]),
    }
    module = builder.module
    return module.globals.get(name) or ir.Function(module, kinds[name], name)


@intrinsic
def _flushed(typing: Any, on: Any) -> Any:
    """Set whether tiny numbers are 0 in this thread, and return whether they were before."""

    def made(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        if not (_X86 or _ARM):
            return context.get_constant(types.boolean, False)
        bits = ir.Constant(_WORD, _ON_X86 if _X86 else _ON_ARM)
        before = _read(builder)
        set_, unset = builder.or_(before, bits), builder.and_(before, builder.not_(bits))
        _write(builder, builder.select(arguments[0], set_, unset))
        return builder.icmp_unsigned("==", builder.and_(before, bits), bits)

    return types.boolean(types.boolean), made


@kernel
def flushed(on):
    """Set whether tiny numbers are 0 in this thread, and return whether they were before."""
    return _flushed(on)  # pyright: ignore[reportCallIssue]
