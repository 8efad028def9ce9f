"""Memory that one photo took serves the next one."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from tests.edge_iqa import photos

SCRIPT = """
import resource, sys
from edge_iqa import heap, image
data = sys.stdin.buffer.read()
def count_faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    image.read(data)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
before = [count_faults() for _ in range(4)][-1]
heap.keep_freed()
print(before, [count_faults() for _ in range(3)][-1])
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library decides for itself")
def test_the_next_photo_finds_its_memory_mapped() -> None:
    data = photos.encode(".jpg", photos.gradient(3000, 4000))
    done = subprocess.run([sys.executable, "-c", SCRIPT], input=data, capture_output=True, check=True)
    given_back, kept = map(int, done.stdout.split())
    assert kept < 200, "pages, of 2200 that a photo decoded at half its size has"
    assert kept <= given_back
