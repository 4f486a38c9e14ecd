"""How good verdicts are, against labelled clips."""
