"""Measuring what the pack makes: `python dev.py eval`."""
