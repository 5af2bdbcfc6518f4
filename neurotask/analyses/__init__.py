"""What `neurotask analyze` does: each analysis that applies to a run, with figure and table."""
