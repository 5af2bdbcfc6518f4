"""The dynamics and the circuit behind the activity."""
