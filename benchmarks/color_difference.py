"""CIEDE2000, the difference in color that people see (Sharma, Wu & Dalal 2005, doi:10.1002/col.20070)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]


def ciede2000(first: Array, second: Array) -> NDArray[np.float64]:
    """Difference of each pair of colors.

    Args:
        first, second: CIELAB, ... x 3.

    Returns:
        ..., 0 where they are the same; about 1 is just seen.
    """
    light1, a1, b1 = np.moveaxis(np.asarray(first, np.float64), -1, 0)
    light2, a2, b2 = np.moveaxis(np.asarray(second, np.float64), -1, 0)
    mean7 = ((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2) ** 7
    stretch = 1.5 - 0.5 * np.sqrt(mean7 / (mean7 + 25.0**7))
    a1, a2 = a1 * stretch, a2 * stretch
    chroma1, chroma2 = np.hypot(a1, b1), np.hypot(a2, b2)
    hue1, hue2 = (np.degrees(np.arctan2(b, a)) % 360 for a, b in ((a1, b1), (a2, b2)))
    gray = chroma1 * chroma2 == 0
    turn = np.where(gray, 0.0, (hue2 - hue1 + 180) % 360 - 180)
    # exactly opposite hues: the paper takes +180, whichever comes first
    turn = np.where(turn == -180, np.where(hue2 - hue1 == 180, 180.0, turn), turn)
    d_hue = 2 * np.sqrt(chroma1 * chroma2) * np.sin(np.radians(turn / 2))
    total = hue1 + hue2
    mean_hue = np.where(
        np.abs(hue1 - hue2) <= 180, total / 2, np.where(total < 360, total / 2 + 180, total / 2 - 180)
    )
    mean_hue = np.where(gray, total, mean_hue)
    return _combine(
        (light2 - light1, chroma2 - chroma1, d_hue), (light1 + light2) / 2, (chroma1 + chroma2) / 2, mean_hue
    )


def _combine(
    changes: tuple[Array, Array, Array], light: Array, chroma: Array, hue: Array
) -> NDArray[np.float64]:
    """Weigh the changes of lightness, chroma and hue by where in the space they are."""
    weight = (
        1
        - 0.17 * np.cos(np.radians(hue - 30))
        + 0.24 * np.cos(np.radians(2 * hue))
        + 0.32 * np.cos(np.radians(3 * hue + 6))
        - 0.20 * np.cos(np.radians(4 * hue - 63))
    )
    middle = np.square(light - 50)
    by_light = 1 + 0.015 * middle / np.sqrt(20 + middle)
    by_chroma = 1 + 0.045 * chroma
    by_hue = 1 + 0.015 * chroma * weight
    turned = 2 * np.sqrt(chroma**7 / (chroma**7 + 25.0**7))
    turned = -turned * np.sin(np.radians(60 * np.exp(-np.square((hue - 275) / 25))))
    d_light, d_chroma, d_hue = (
        change / by for change, by in zip(changes, (by_light, by_chroma, by_hue), strict=True)
    )
    squares = d_light**2 + d_chroma**2 + d_hue**2 + turned * d_chroma * d_hue
    return np.asarray(np.sqrt(np.maximum(squares, 0)))
