"""What `edge-iqa camera` takes, and what `--help` says of it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from edge_iqa.options import add_model_options, add_policy_options

if TYPE_CHECKING:
    from edge_iqa.options import Commands


def add_camera(commands: Commands) -> None:
    """The command `camera`."""
    camera = commands.add_parser(
        "camera",
        help="watch a camera, and say what to do with it",
        description="Watch a camera, a video or photos frame by frame: what is wrong with the picture (moving, too "
        "dark, blurry ...) and the one thing that helps most. In a terminal one line changes as the stream goes on; "
        "elsewhere each change of state or hint is a line. Ctrl-C ends it, and what was seen so far counts.",
        epilog="Exit code: 0 watched to the end, or until Ctrl-C; with --save-best: and the best frame is accepted. "
        "1 it is not accepted. 2 wrong usage, the source cannot be opened, no window can be shown, or a file cannot "
        "be written. 3 the camera was unplugged or stalled, or there was no frame; with --save-best the best of what "
        "came is written all the same.",
    )
    camera.add_argument(
        "--source",
        default="0",
        metavar="SOURCE",
        help="number of a camera, a video, a folder of photos, or the URL of a stream (rtsp://, http://); 0 if not "
        "given, the first camera",
    )
    output = camera.add_mutually_exclusive_group()
    output.add_argument("--show", action="store_true", help="show it in a window; q or Escape ends")
    output.add_argument("--json", action="store_true", help="one JSON object a frame instead of text")
    camera.add_argument(
        "--save-best",
        metavar="DIR",
        help="write the best frames into this folder in the end, as JPEG with their verdicts; nothing is replaced",
    )
    camera.add_argument(
        "--best",
        type=_up_to_twelve,
        default=1,
        metavar="K",
        help="how many with --save-best, 1 to 12; 1 if not given",
    )
    camera.add_argument(
        "--auto", action="store_true", help="end at the moment to take the photo: good and still"
    )
    camera.add_argument(
        "--drop", action="store_true", help="play a video in real time, and pass over what comes too fast"
    )
    camera.add_argument(
        "--recover",
        action="store_true",
        help="wait for a camera that was unplugged or stalls, and go on with it",
    )
    add_policy_options(camera)
    add_model_options(camera)


def _up_to_twelve(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 12:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 to 12, got {text!r}")
    return int(text)
