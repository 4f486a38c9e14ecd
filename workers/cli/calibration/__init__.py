"""Which thresholds would have done best on what was recorded at a site."""
