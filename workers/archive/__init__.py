"""Keeps the verdicts: one log of JSON lines for each camera."""
