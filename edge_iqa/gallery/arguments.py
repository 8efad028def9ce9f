"""What `edge-iqa duplicates` and `edge-iqa gallery` take, and what `--help` says of them."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from edge_iqa.options import add_jobs_option, add_model_options, positive

if TYPE_CHECKING:
    from edge_iqa.options import Commands

_KINDS = (
    "Kinds: exact (the same file, or the same pixels), near (coded again, resized, brightened, cropped by up to 15 %) "
    "and, less sure, same product (another view, with the chance that it is)."
)


def add_duplicates(commands: Commands) -> None:
    """The command `duplicates`."""
    duplicates = commands.add_parser(
        "duplicates",
        help="group photos that are copies of each other",
        description="Group photos that are copies of each other, and say which of each group to keep: the one with "
        "the best score (a smaller copy only where it is better by 10 points); of scores within a point, the one with "
        f"most pixels. {_KINDS}",
        epilog="Exit code: 0 no copies, 1 some, 2 wrong usage, 3 something could not be read; the rest is done all "
        "the same.",
    )
    duplicates.add_argument(
        "photos", nargs="+", metavar="DIR", help="a folder: the photos directly in it; or photos by name"
    )
    _add_mirrored_option(duplicates)
    duplicates.add_argument("--json", action="store_true", help="one JSON object instead of text")
    add_model_options(duplicates)
    add_jobs_option(duplicates)


def add_gallery(commands: Commands) -> None:
    """The command `gallery` and its own commands."""
    gallery = commands.add_parser(
        "gallery",
        help="keep photos in mind, and find them again",
        description="A gallery is a file that knows photos again. It holds fingerprints of about 5.5 kB, each with a "
        f"copy of 64 x 64 px, and no photos. {_KINDS}",
        epilog="Exit code: 0 no copy of any photo was in the gallery, 1 of some, 2 wrong usage or no such gallery, "
        "3 something could not be read; the rest is done all the same. `gallery remove`: 0, or 2 where there is no "
        "such photo, and nothing is removed.",
    )
    actions = gallery.add_subparsers(title="commands", required=True, metavar="COMMAND", dest="action")
    add = actions.add_parser(
        "add",
        help="add photos, but for those that it has",
        description="Add photos under the paths given; GALLERY is made if it is missing and something is added. A "
        "photo of which a copy is there is not added. What was added is told once all of it is saved.",
    )
    _add_gallery_options(add)
    add.add_argument("--anyway", action="store_true", help="add copies too")
    find = actions.add_parser(
        "find",
        help="look for photos",
        description="Say of each photo whether the gallery has it. Nothing is added.",
    )
    _add_gallery_options(find)
    find.add_argument(
        "-k", type=positive, default=10, metavar="N", help="most matches of a photo; default: %(default)s"
    )
    _add_remove(actions)


def _add_remove(actions: Commands) -> None:
    remove = actions.add_parser(
        "remove", help="take photos out", description="Take photos out by their names."
    )
    remove.add_argument("gallery", metavar="GALLERY", help="the file")
    remove.add_argument("names", nargs="+", metavar="NAME", help="of a photo, as it was added")
    add_model_options(remove)


def _add_gallery_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("gallery", metavar="GALLERY", help="the file, such as listing.gallery")
    parser.add_argument(
        "photos", nargs="+", metavar="PHOTO", help="a photo, or a folder: the photos directly in it, by name"
    )
    _add_mirrored_option(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object a line instead of text")
    add_model_options(parser)
    add_jobs_option(parser)


def _add_mirrored_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--mirrored", action="store_true", help="a photo with left and right changed is a copy too"
    )
