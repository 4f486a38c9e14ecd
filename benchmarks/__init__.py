"""Measurements that anyone can run again: `python -m benchmarks` lists them."""
