"""Tells people and programs of incidents: an outbox in the database, and one sender for each channel."""
