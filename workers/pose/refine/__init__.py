"""Steadies key points over time, all tracks at once. Pure: no I/O, no clock but the frames' own."""

from workers.pose.refine.config import RefineConfig
from workers.pose.refine.fixed_lag import FixedLag
from workers.pose.refine.refined import Refined
from workers.pose.refine.refiner import Refiner

__all__ = ["FixedLag", "RefineConfig", "Refined", "Refiner"]
