"""One file a curriculum; its name in Python is ``neurotask.curricula``, once installed."""

if __name__ == "curricula":  # imported from the repository root: its classes would be second copies
    raise ImportError("Import `neurotask.curricula`, not the folder `curricula/` itself.")
