"""The only importer of torchvision. Import this module before any library that imports torchvision.

With a CPU build of torch, the package index's torchvision fails to import: its compiled operators
do not load, and `torchvision::nms` has no schema. The models need none of these operators, so the
schemas alone are defined here. With a matching torch (CUDA) nothing is touched.
"""

from __future__ import annotations

import torch

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_library = None
try:
    import torchvision
except RuntimeError as error:
    if "torchvision::nms" not in str(error):
        raise
    # the reference is kept for the life of the process: a library that is freed takes its schemas along
    _library = torch.library.Library("torchvision", "FRAGMENT")
    for _schema in _SCHEMAS:
        _library.define(_schema)
    import torchvision

from torchvision import models

__all__ = ["models", "torchvision"]
