"""Films of products through a phone's camera, rendered with the truth of every frame.

    from compression.footage import Film, seeds
    film = Film(seeds("development")[3])          # 1920x1080 NV12, 5 to 10 s at 30 frames a second
    for buffer, truth in film.frames():           # edge_iqa.stream.buffer.Buffer, compression.footage.Truth
        ...                                       # truth.allowed: the states that are right
    film.shoot(17), film.twin(17), film.truths    # any frame, the same view without a fault, truth alone

A sharp, well lit canvas is drawn once (`compression.listings` paints the product and the ground). Each frame is a
warp of it along the way of a hand that trembles: moved, out of focus, exposed wrongly, noisy, read row by row.
Half of the films are upright as phones are held (`rotation_deg`), half have padded rows. Six in ten grounds
are plain: white, gray or a sweep of paper; the others are table, tiles, cloth, stone, room, roll, shelf, doorway.

Left out: roll and zoom are not sheared by the rolling shutter, only shifts are; narrow blurs work on coded values,
not on light; there is no video coding, no depth of field and no parallax, since the canvas is flat.

Whoever tunes uses films of `seeds("development")` alone; figures that are published come from `seeds("held out")`.
"""

from __future__ import annotations

from compression.footage.film import Film
from compression.footage.path import FPS, MOVING_SHARE, TREMOR_SHARE, Sensor
from compression.footage.place import Place
from compression.footage.segments import KINDS
from compression.footage.truth import ORDER, Truth
from compression.listings import seeds

__all__ = [
    "FPS",
    "KINDS",
    "MOVING_SHARE",
    "ORDER",
    "TREMOR_SHARE",
    "Film",
    "Place",
    "Sensor",
    "Truth",
    "seeds",
]
