"""The skeleton classifiers, written to load public checkpoints: ST-GCN++ and MS-G3D.

This package needs torch. A worker that runs on OpenVINO never imports it; see `workers/classify/runtime.py`.
"""

from workers.classify.nets.build import Size, WeightsError, build, load_weights, size_from
from workers.classify.nets.msg3d import Msg3dSize
from workers.classify.nets.stgcnpp import StgcnppSize

__all__ = ["Msg3dSize", "Size", "StgcnppSize", "WeightsError", "build", "load_weights", "size_from"]
