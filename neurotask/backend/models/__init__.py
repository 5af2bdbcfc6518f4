"""Models: one file a model; `base.py` says what a model is."""
