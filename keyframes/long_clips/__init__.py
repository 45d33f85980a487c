"""Clips longer than a model's: what is painted together, and what is kept of it."""
