"""Pictures laid upon a photo are found, and what merely looks like one is not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge_iqa import image
from edge_iqa.measures.collage import measure_collage
from edge_iqa.measures.study import Study

Pixels = NDArray[np.uint8]
LEFT, TOP, WIDE, TALL = 500, 48, 240, 180
RIM = 8


def _draw_photo(seed: int, height: int = 600, width: int = 800) -> Pixels:
    """Soft texture around one color."""
    rng = np.random.default_rng(seed)
    tone = rng.integers(70, 190, 3)
    field = cv2.GaussianBlur(rng.standard_normal((height, width, 3)), (0, 0), 6)
    return np.clip(tone + 18 * field / field.std(), 0, 255).astype(np.uint8)


def _lay(tone: tuple[int, int, int] = (255, 255, 255)) -> Pixels:
    """A photo with another one in its upper right, in a rim of one color."""
    photo = _draw_photo(1)
    photo[TOP : TOP + TALL, LEFT : LEFT + WIDE] = tone
    inner = photo[TOP + RIM : TOP + TALL - RIM, LEFT + RIM : LEFT + WIDE - RIM]
    inner[:] = 255 - _draw_photo(2, *inner.shape[:2])
    return photo


def _measure(pixels: Pixels) -> tuple[float, tuple[float, float, float, float] | None]:
    coded = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()
    return measure_collage(Study.of(image.read(coded)))["collage"]


@pytest.mark.parametrize("tone", [(255, 255, 255), (0, 0, 0), (230, 40, 60)])
@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_an_inset_is_found_in_any_corner_and_in_its_place(tone: tuple[int, int, int], turns: int) -> None:
    value, box = _measure(np.rot90(_lay(tone), turns))
    place = np.zeros((600, 800), bool)
    place[TOP + RIM : TOP + TALL - RIM, LEFT + RIM : LEFT + WIDE - RIM] = True
    rows, columns = np.nonzero(np.rot90(place, turns))
    height, width = np.rot90(place, turns).shape
    true = columns[0] / width, rows[0] / height, np.ptp(columns) / width, np.ptp(rows) / height
    assert value == 2
    assert box == pytest.approx(true, abs=0.015)


@pytest.mark.parametrize(("varied", "panels"), [(True, 2.0), (False, 1.0)])
def test_on_a_ground_of_its_rims_color_a_picture_counts_and_a_plain_box_does_not(
    varied: bool, panels: float
) -> None:
    photo = np.full((600, 800, 3), 255, np.uint8)
    inner = photo[TOP + RIM : TOP + TALL - RIM, LEFT + RIM : LEFT + WIDE - RIM]
    inner[:] = 255 - _draw_photo(2, *inner.shape[:2]) if varied else (90, 60, 40)
    assert _measure(photo)[0] == panels


def test_a_picture_that_ends_at_the_photos_edge_has_no_rim_there() -> None:
    assert _measure(_lay()[TOP + RIM :]) == (1.0, None)


def test_a_picture_in_uneven_light_is_none() -> None:
    shade = np.linspace(0.7, 1.0, 800)[None, :, None]
    assert _measure((_lay() * shade).astype(np.uint8)) == (1.0, None)


def test_a_picture_that_leans_is_none() -> None:
    turn = cv2.getRotationMatrix2D((LEFT + WIDE / 2, TOP + TALL / 2), 2.5, 1.0)
    leaning = cv2.warpAffine(_lay(), turn, (800, 600), borderMode=cv2.BORDER_REFLECT)
    assert _measure(leaning) == (1.0, None)


def test_a_picture_in_the_middle_is_none() -> None:
    assert _measure(np.roll(_lay(), (170, -220), (0, 1))) == (1.0, None)


def test_a_plate_of_one_color_without_a_rim_is_none() -> None:
    photo = _draw_photo(1)
    photo[TOP : TOP + TALL, LEFT : LEFT + WIDE] = (255, 255, 255)
    assert _measure(photo) == (1.0, None)
