"""Psychometric curves: how choices depend on a stimulus."""
