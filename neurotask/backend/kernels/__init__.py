"""Loops over time in machine code, for networks on processors.

A step of a small network is a product of small matrices and a few passes over its result. An engine
for large arrays spends most of its time between such operations; here a shard of the trials goes
through all steps while its state stays in the cache, noise is drawn where it is used, and the way
back is written out by hand. TensorFlow's graph remains the definition: `tests/backend/kernels`
holds both to the same numbers.

numba compiles them when they are first needed, and keeps what it compiled. Nothing in here is
imported before.
"""
