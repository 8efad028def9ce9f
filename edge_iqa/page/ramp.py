"""Score → color: from red over pale to blue, which color-blind people tell apart too (ColorBrewer RdYlBu)."""

from __future__ import annotations

STOPS = ((215, 48, 39), (252, 141, 89), (254, 224, 144), (145, 191, 219), (69, 117, 180))
"""RGB at 0, 25, 50, 75 and 100."""


def to_color(score: float) -> str:
    """Color of a score (0 to 100), as `#rrggbb`. `script.js` has the same ramp, handed over by the page."""
    place = min(max(score, 0.0), 100.0) / 100 * (len(STOPS) - 1)
    index = min(int(place), len(STOPS) - 2)
    share = place - index
    mixed = (
        round(low + (high - low) * share) for low, high in zip(STOPS[index], STOPS[index + 1], strict=True)
    )
    return "#" + "".join(f"{channel:02x}" for channel in mixed)
