"""The one loop that runs every stage."""

from shared.loop.loop import Loop
from shared.loop.reader import StageFailedError

__all__ = ["Loop", "StageFailedError"]
