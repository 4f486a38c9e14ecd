"""Steadies key points over time, all tracks at once. Pure: no I/O, no clock but the frames' own."""

from workers.pose.refine.refiner import RefineConfig, Refined, Refiner

__all__ = ["RefineConfig", "Refined", "Refiner"]
