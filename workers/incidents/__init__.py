"""Turns verdicts into incidents: violence that is confirmed, lasts, and ends."""
