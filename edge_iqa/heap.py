"""Memory of one photo is kept for the next one, where the C library would hand it back to the system in between.

A decoded photo is a few large blocks. glibc maps them anew for each photo, and gives the top of its heap back once more
than twice the largest mapped block that it ever freed lies free there; each page (4 KB) that comes again costs
a fault. On a virtual machine that was an eighth of a verdict's time.
"""

from __future__ import annotations

import numpy as np

_BLOCK_BYTES = 24 << 20
"""Twice as much holds what a verdict on a photo of 12 megapixels needs. glibc adapts to blocks of up to 32 MB."""


def keep_freed() -> None:
    """Free one large block: from then on glibc keeps up to twice its size. The block is never written to, so it
    takes no memory; other C libraries take no notice."""
    np.empty(_BLOCK_BYTES, np.uint8)
