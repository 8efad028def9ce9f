"""For all tests: hypothesis draws the same examples each time, and never fails for a slow machine."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("edge-iqa", deadline=None, derandomize=True)
settings.load_profile("edge-iqa")
