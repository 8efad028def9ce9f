"""What is kept of a photo so that it is known again: hashes, the model's embedding, two small copies."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edge_iqa import image, opencv, views
from edge_iqa.errors import PhotoError
from edge_iqa.frame import Frame
from edge_iqa.gallery.phash import hash_gray

if TYPE_CHECKING:
    from edge_iqa.image import Photo
    from edge_iqa.inspector import Inspector

GRAY_PX = 64
"""Side of the gray copy. At 48 px a photo cropped by 15 % is told from another one less well: recall on validation
photos falls from 0.993 to 0.989 while other photos begin to pass."""
COLOR_PX = 16
NO_FILE = bytes(32)
"""In the place of a file's hash where there was none."""


@dataclass(frozen=True, eq=False)
class Fingerprint:
    """One photo, as a gallery knows it: about 5.5 kB.

    Attributes:
        embedding: float32 (D,), unit length, `Report.embedding`.
        gray: uint8 (64, 64), the whole photo squeezed into a square.
        color: uint8 (16, 16, 3), RGB, likewise.
        phash: 64 bits of how the photo looks, see `edge_iqa.gallery.phash`.
        pixels_sha256: of size and pixels as decoded; the same for a file that only has other metadata.
        file_sha256: of the file; zeros where there was none.
        score: `Report.score`, 0 to 100.
        width_px, height_px: size of the photo as it is shown.
        file_bytes: size of the file; 0 where there was none.
    """

    embedding: NDArray[np.float32]
    gray: NDArray[np.uint8]
    color: NDArray[np.uint8]
    phash: int
    pixels_sha256: bytes
    file_sha256: bytes
    score: float
    width_px: int
    height_px: int
    file_bytes: int

    def is_exactly(self, other: Fingerprint) -> bool:
        """Whether both are of one file, or of the same pixels."""
        same_file = self.file_sha256 == other.file_sha256 != NO_FILE
        return same_file or self.pixels_sha256 == other.pixels_sha256

    def mirror(self) -> Fingerprint:
        """Left and right changed, for comparing. The embedding stays: of a mirrored photo it is nearly the same."""
        gray, color = (np.ascontiguousarray(part[:, ::-1]) for part in (self.gray, self.color))
        return Fingerprint(
            self.embedding, gray, color, hash_gray(gray), NO_FILE, NO_FILE,
            self.score, self.width_px, self.height_px, self.file_bytes,
        )  # fmt: skip


def make_fingerprint(inspector: Inspector, photo: Photo) -> Fingerprint:
    """Take the fingerprint of a photo. Costs what scores cost, without measurements and verdict, and a few ms.

    Args:
        inspector: its model makes the embedding and the score.
        photo: as `Inspector.inspect` takes it.

    Raises:
        PhotoError: it cannot be read; the subclass and the message say why.
        BackendError: the inspector is closed, or the runtime failed.
    """
    given: Photo = image.read_file(photo) if isinstance(photo, (str, os.PathLike)) else photo
    spec = inspector.bundle.manifest.views
    try:
        frame = image.read(given, long_side_px=spec.long_side_px)
    except PhotoError as error:
        if isinstance(photo, (str, os.PathLike)):
            error.args = (f"{os.fsdecode(photo)}: {str(error).removeprefix('photo: ')}",)
        raise
    outputs = inspector.backend.run(views.cut(frame, spec))
    file = bytes(given) if isinstance(given, (bytes, bytearray, memoryview)) else b""
    return from_frame(frame, outputs.embedding, 100 * float(outputs.scores.flat[0]), file)


def from_frame(frame: Frame, embedding: NDArray[np.float32], score: float, file: bytes = b"") -> Fingerprint:
    """The fingerprint of a photo that was decoded and judged already.

    Args:
        frame: the photo.
        embedding, score: as its `Report` has them.
        file: the encoded photo; empty where there is none.
    """
    gray, color = shrink(frame)
    return Fingerprint(
        embedding=np.ascontiguousarray(embedding, np.float32),
        gray=gray,
        color=color,
        phash=hash_gray(gray),
        pixels_sha256=_hash_pixels(frame),
        file_sha256=hashlib.sha256(file).digest() if file else NO_FILE,
        score=score,
        width_px=frame.source_width_px,
        height_px=frame.source_height_px,
        file_bytes=len(file),
    )


def shrink(frame: Frame) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The gray copy, 64x64, and the color copy, 16x16x3, each pixel the mean of what it covers.

    Made of halved pixels, which views have asked for already: of a large photo that is a fiftieth of the work.
    """
    cv2 = opencv.load()
    times = max(0, (min(frame.pixels.shape[:2]) // (2 * GRAY_PX)).bit_length() - 1)
    small = cv2.resize(frame.halve(times), (GRAY_PX, GRAY_PX), interpolation=cv2.INTER_AREA)
    gray: NDArray[np.uint8] = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    color: NDArray[np.uint8] = cv2.resize(small, (COLOR_PX, COLOR_PX), interpolation=cv2.INTER_AREA)
    return gray, color


def _hash_pixels(frame: Frame) -> bytes:
    digest = hashlib.sha256(
        repr((frame.source_width_px, frame.source_height_px, frame.pixels.shape)).encode()
    )
    digest.update(np.ascontiguousarray(frame.pixels).data)
    return digest.digest()
