"""What a population of units does together, and what each unit does in it."""
