"""The JSON API: what programs, and our own pages, are told."""
