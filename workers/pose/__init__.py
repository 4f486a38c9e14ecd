"""Frames in, tracks out: one forward over all cameras, then a tracker and a refiner for each."""
