"""Which past a synapse remembers: one kind a file; `base.py` says what credit is."""
