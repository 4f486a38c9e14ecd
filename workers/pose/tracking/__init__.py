"""Who is who from frame to frame: one tracker for each camera, ours or one of ultralytics'."""

from workers.pose.config import TrackerConfig
from workers.pose.tracking.boxes import BoxTracker
from workers.pose.tracking.face import Tracked, Tracker, track_id
from workers.pose.tracking.skeleton import SkeletonTracker

__all__ = ["Tracked", "Tracker", "open_tracker", "track_id"]


def open_tracker(config: TrackerConfig, generation: str, moving: bool = False) -> Tracker:
    """A tracker that has seen nobody yet.

    Args:
        config: which one, and its settings.
        generation: its camera's; ids depend on it.
        moving: the camera pans or shakes.
    """
    if config.tracker == "skeleton":
        return SkeletonTracker(config, generation, moving)
    return BoxTracker(config, generation, moving)
