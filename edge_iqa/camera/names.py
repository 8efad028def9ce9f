"""Names of the camera's states and hints; each catalog in `edge_iqa/words/` has a text for all of them."""

from __future__ import annotations

STATES = ("steady", "moving", "too_dark", "too_bright", "blurry", "too_far", "cut_off", "no_product", "good")
"""What a live picture can be. Where several hold, the order is that of `FAULTS`."""

FAULTS = ("moving", "too_dark", "too_bright", "no_product", "blurry", "cut_off", "too_far")
"""States that the seller can do something about, the one to mend first comes first."""

HINTS = (*FAULTS, "sharpness", "exposure", "noise", "detail")
"""What is said: of each fault, and of the score that costs most where nothing else tells why a still one is poor."""
