"""Tracks in, verdicts out."""
