"""The simulated site: people whose truth is known, before a camera, seen by a detector that errs.

Pure numpy, the same for the same seed, and motion is a function of time. Tests and training may import it.
"""

from workers.ingest.simulated.body import LOADS, POINT, POINTS, VOLUMES, Body
from workers.ingest.simulated.camera import Camera
from workers.ingest.simulated.casts import KINDS
from workers.ingest.simulated.detector import Observation, observe
from workers.ingest.simulated.figure import ACTIONS
from workers.ingest.simulated.manner import Manner
from workers.ingest.simulated.noise import DetectorNoise
from workers.ingest.simulated.scene import make_scene
from workers.ingest.simulated.truth import Scene, Truth
from workers.ingest.simulated.visibility import Prop

__all__ = [
    "ACTIONS",
    "KINDS",
    "LOADS",
    "POINT",
    "POINTS",
    "VOLUMES",
    "Body",
    "Camera",
    "DetectorNoise",
    "Manner",
    "Observation",
    "Prop",
    "Scene",
    "Truth",
    "make_scene",
    "observe",
]
