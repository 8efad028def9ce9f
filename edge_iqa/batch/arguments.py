"""What `edge-iqa batch` takes, and what `--help` says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_iqa.options import add_model_options, add_policy_options, positive

if TYPE_CHECKING:
    from edge_iqa.options import Commands


def add_batch(commands: Commands) -> None:
    """The command `batch`."""
    batch = commands.add_parser(
        "batch",
        help="judge very many photos into one file",
        description="Judge photos in several processes and write one file of all verdicts: .jsonl (as `inspect --json` "
        "prints them), .csv or .parquet (with the extra `batch`). What is judged is kept at once in OUT.part, so a "
        "run that was stopped or killed goes on with --resume. A photo that cannot be judged is a row with its error.",
        epilog="Exit code: 0 all accepted, 1 some not, 2 wrong usage, or OUT cannot be written, 3 something could not "
        "be read; the rest is done all the same. 130 after Ctrl-C.",
    )
    batch.add_argument(
        "photos", nargs="+", metavar="DIR", help="a folder: the photos directly in it, by name; or photos"
    )
    batch.add_argument(
        "--recursive",
        action="store_true",
        help="folders in the folders too; links to folders are not followed",
    )
    batch.add_argument(
        "-o", "--out", required=True, metavar="OUT", help="the file of the results: .jsonl, .csv or .parquet"
    )
    batch.add_argument("--jobs", type=positive, metavar="N", help="processes; one per core if not given")
    batch.add_argument("--resume", action="store_true", help="go on with a run that was stopped")
    batch.add_argument(
        "--overwrite", action="store_true", help="replace OUT, and begin anew where a run was stopped"
    )
    add_policy_options(batch)
    add_model_options(batch)
