"""The only importer of OpenCV: it loads on first use, so `import edge_iqa` stays light."""

from __future__ import annotations

import functools
from types import ModuleType

from edge_iqa.errors import DependencyError


@functools.cache
def load() -> ModuleType:
    """Return the module `cv2`.

    Raises:
        DependencyError: no OpenCV distribution is installed.
    """
    try:
        import cv2
    except ImportError as error:
        raise DependencyError(
            "OpenCV is needed to read photos, and `import cv2` failed "
            f"({error}); run `pip install opencv-python-headless`"
        ) from error
    return cv2
