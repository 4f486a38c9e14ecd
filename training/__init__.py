"""Recipes that make the shipped weights; see training/README.md."""
