"""Behaviour beyond the psychometric curve: times, history, evidence, sensitivity."""
