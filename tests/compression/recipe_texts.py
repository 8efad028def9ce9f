"""Recipes that several tests begin with."""

from __future__ import annotations

WHOLE = """
name = "small"

[distill]
epochs = 2
learning_rate = 6e-4

[quantize]

[gates]
bound = ["int8_flips=0.01", "int8_p99=0.03"]

[pack]
version = "1.2.3"
golden = ["examples/photos/mug.jpg"]
replace = true
"""
REST = """
[quantize]

[gates]

[pack]
golden = ["examples/photos/mug.jpg"]
"""
