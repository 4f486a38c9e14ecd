"""Live views: what passes through the fleet, sent to those who watch. docs/live.md has the messages."""
