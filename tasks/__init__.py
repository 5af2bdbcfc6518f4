"""One file a task; its name in Python is ``neurotask.tasks``, once installed."""

if __name__ == "tasks":  # imported from the repository root: its classes would be second copies
    raise ImportError("Import `neurotask.tasks`, not the folder `tasks/` itself.")
