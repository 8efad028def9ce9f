"""What a remote sent back, which is not trusted: of the right kind, about what was sent, and fit for a terminal."""

from __future__ import annotations

import contextlib
import io
import math
import re
from collections.abc import Collection, Mapping
from typing import Any

from benchmarks.device import Device
from benchmarks.latency_record import KIND, SCHEMA
from benchmarks.latency_screen import print_result
from benchmarks.remote.ssh import RemoteError
from benchmarks.validity import CODES, Reason
from edge_iqa.table import make_printable

_SHAPE: Mapping[str, type] = {
    "measured_at": str, "settings": dict, "machine": dict, "usage": dict, "warnings": list, "versions": dict,
    "bundle": dict, "valid": bool, "invalid": list, "unknown": list, "conditions": dict, "notes": list,
    "missing": list, "failed": list, "photos": list, "results": list, "ratios": list,
}  # fmt: skip
_STRANGE = (KeyError, TypeError, ValueError, AttributeError, IndexError, ArithmeticError, RecursionError)
"""What reading a value of another shape can raise."""
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def check(
    received: Any, asked: str, known: Mapping[str, Device], manifest_sha256: str, photos: Collection[str]
) -> dict[str, Any]:
    """Check a result of `latency.py`, and return it with every text made printable.

    Args:
        received: parsed from JSON.
        asked: name of the device that was asked for.
        known: all devices.
        manifest_sha256: of the bundle that was sent.
        photos: hashes of the photos that were sent.

    Raises:
        RemoteError: it is something else.
    """
    if not isinstance(received, dict) or received.get("kind") != KIND:
        raise RemoteError(f"the remote sent something that is no result of the kind {KIND!r}")
    if received.get("schema") != SCHEMA:
        raise RemoteError(f"the remote sent a result of another schema: expected {SCHEMA}")
    device = received.get("device")
    if not isinstance(device, str) or not _NAME.fullmatch(device) or not _is_asked(device, asked, known):
        raise RemoteError(
            f"the remote sent the result of another device: expected {asked}, got {device!r:.80}"
        )
    wrong = [key for key, kind in _SHAPE.items() if type(received.get(key)) is not kind]
    if wrong:
        raise RemoteError(
            f"the remote sent a result of another shape: wrong or missing are {', '.join(wrong)}"
        )
    try:
        result: dict[str, Any] = _clean(received)
        _look(result, manifest_sha256, photos)
    except _STRANGE as error:
        kind = type(error).__name__
        raise RemoteError(f"the remote sent a result of another shape ({kind}: {error!s:.80})") from error
    return result


def _is_asked(device: str, asked: str, known: Mapping[str, Device]) -> bool:
    return device == asked or (device in known and known[device].family == asked)


def _look(result: Mapping[str, Any], manifest_sha256: str, photos: Collection[str]) -> None:
    """Go through what will be printed, and hold it to what was sent."""
    if result["valid"] != (not result["invalid"]):
        raise ValueError("valid, or with reasons against it: not both")
    for reason in result["invalid"]:
        if Reason(**reason).code not in CODES:
            raise ValueError("a reason without a meaning")
    if result["bundle"]["manifest_sha256"] != manifest_sha256:
        raise ValueError("measured with another bundle")
    if not result["photos"] or not {photo["sha256"] for photo in result["photos"]} <= set(photos):
        raise ValueError("measured on other photos")
    names = {photo["name"] for photo in result["photos"]}
    if not {each["photo"] for each in (*result["results"], *result["ratios"])} <= names:
        raise ValueError("figures of photos that were not measured")
    with contextlib.redirect_stdout(io.StringIO()):
        print_result(dict(result))


def _clean(value: Any) -> Any:
    """The same with every text printable: a title must not move the cursor, nor answer for the user.

    Raises:
        ValueError: a number is infinite, as 1e999 is.
    """
    if isinstance(value, str):
        return make_printable(value)
    if isinstance(value, list):
        return [_clean(each) for each in value]
    if isinstance(value, dict):
        return {make_printable(key): _clean(each) for key, each in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("a number is infinite")
    return value
