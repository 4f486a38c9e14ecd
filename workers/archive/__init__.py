"""Keeps what the fleet finds: verdicts in logs and rows, incidents in rows, evidence of them as files."""
