"""The one loop that runs every stage."""

from shared.loop.loop import Loop, StageFailedError

__all__ = ["Loop", "StageFailedError"]
