"""Fetch the training photos from their public sources: `python scripts/fetch_photos.py --out data`.

Needs internet access and nothing but Python. It writes OUT/photos/SOURCE/NAME.jpg and OUT/photos.csv,
which `python -m compression.distill --data OUT/photos.csv` reads. Run it again after a break: what is
there is kept.

What can be checked, and what cannot. `compression/reference/photos.csv` has the SHA-256 of every file
that the reference models were trained on.

- clothing, grocery: taken to be the published files themselves. A file with another hash is refused,
  and named; `--keep-changed` keeps it. Grocery names repeat between the repository's train, val and
  test folders, so all three are tried and the hash tells which one is meant (where none agrees,
  `--keep-changed` keeps the first).
- household: trained on upright copies (384x512, JPEG quality 95). The public archive holds the same
  photos turned to 512x384 and coded smaller, so hashes cannot agree, and they are not compared: you
  get the same subjects under the same names, at a lower quality, lying on their side.

Nothing is resized here: the public files have the sizes that were trained on (short side 400, 348, 384 px).
The last column of OUT/photos.csv, `as_trained`, says `yes` where the hash agrees and `no` elsewhere.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import os
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

LIST = Path(__file__).resolve().parent.parent / "compression" / "reference" / "photos.csv"
COLUMNS = ("repository", "file", "sha256", "category", "group", "split", "licence", "source")
MAX_PHOTO_BYTES = 20_000_000
MAX_ARCHIVE_BYTES = 200_000_000
PAUSES_S = (1.0, 4.0)
"""Waits before the second and the third try of a download."""


class FetchError(Exception):
    """One photo (or the list) could not be used; the message says why."""


@dataclass(frozen=True)
class Source:
    """Where one part of the set is published.

    Attributes:
        ref: commit or branch that is read.
        exact: whether the published file is the one that was trained on, so that hashes must agree.
        about_bytes: what a complete download is roughly; known from our copies, for the plan on screen.
    """

    ref: str
    exact: bool
    about_bytes: int


SOURCES = {
    "alexeygrigorev/clothing-dataset": Source("08b50460cf229fd852bb6c11564e0959f52578ca", True, 66_000_000),
    "marcusklasson/GroceryStoreDataset": Source("master", True, 20_000_000),
    "garythung/trashnet": Source("master", False, 43_000_000),
}


@dataclass(frozen=True)
class Photo:
    """One line of the list."""

    repository: str
    file: str
    sha256: str
    category: str
    group: str
    split: str
    licence: str
    source: str

    def __post_init__(self) -> None:
        parts = re.split(r"[/!]+", self.file)
        if self.repository not in SOURCES:
            raise FetchError(f"{self.repository}: not one of {', '.join(SOURCES)}")
        if not all(re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9 ._-]*|\{[a-z,]+\}", part) for part in parts):
            raise FetchError(f"{self.file!r}: expected a plain relative path inside the repository")
        if not re.fullmatch(r"[a-z]+", self.source):
            raise FetchError(f"{self.source!r}: expected the name of a source, in small letters")
        if not re.fullmatch(r"[0-9a-f]{64}", self.sha256):
            raise FetchError(f"{self.file}: expected a SHA-256 of 64 hexadecimal digits, got {self.sha256!r}")

    @property
    def path(self) -> str:
        """Where it goes, inside OUT."""
        return f"photos/{self.source}/{PurePosixPath(self.file).name}"

    @property
    def archive(self) -> str | None:
        """The archive that holds it, if any."""
        return self.file.partition("!/")[0] if "!/" in self.file else None

    @property
    def candidates(self) -> list[str]:
        """The paths it may have in its repository: `a/{b,c}/d` stands for a/b/d and a/c/d."""
        choice = re.search(r"\{([a-z,]+)\}", self.file)
        if choice is None:
            return [self.file]
        return [self.file.replace(choice[0], name) for name in choice[1].split(",")]


def read_list(path: Path) -> list[Photo]:
    """Read and check the list of photos.

    Raises:
        FetchError: the file or a column is missing, or a line would leave its folder.
    """
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
    except OSError as error:
        raise FetchError(f"{path}: cannot be read ({error.strerror})") from error
    missing = sorted(set(COLUMNS) - set(rows[0] if rows else ()))
    if missing:
        raise FetchError(f"{path}: expected the columns {', '.join(COLUMNS)}; missing: {', '.join(missing)}")
    return [Photo(**{name: row[name] for name in COLUMNS}) for row in rows]


class Fetcher:
    """Downloads into one folder; keeps archives open, so that each is fetched once."""

    def __init__(self, out: Path, base_url: str, keep_changed: bool) -> None:
        self.out = out.resolve()
        self.base_url = base_url.rstrip("/")
        self.keep_changed = keep_changed
        self._archives: dict[str, zipfile.ZipFile] = {}

    def fetch(self, photo: Photo) -> bool:
        """Bring one photo into the folder unless it is there; True if it is the file that was trained on.

        Raises:
            FetchError: it is not to be had, is no JPEG, has another hash, or its place is outside `out`.
        """
        target = self.out / photo.path
        if not target.resolve().is_relative_to(self.out):
            raise FetchError(f"{photo.path}: a link leads out of {self.out}; remove it")
        strict = SOURCES[photo.repository].exact and not self.keep_changed
        if target.is_file():
            same = hashlib.sha256(target.read_bytes()).hexdigest() == photo.sha256
            if same or not strict:
                return same
        found: bytes | None = None
        for path in photo.candidates:
            data = self._read(photo, path)
            if data is not None and hashlib.sha256(data).hexdigest() == photo.sha256:
                write_whole(target, data)
                return True
            found = found or data
        if found is None:
            raise FetchError(f"{photo.file}: no longer in {photo.repository}")
        if strict:
            raise FetchError(f"{photo.file}: has changed (another SHA-256); --keep-changed keeps it")
        if not found.startswith(b"\xff\xd8"):
            raise FetchError(f"{photo.file}: came as something else than a JPEG")
        write_whole(target, found)
        return False

    def _read(self, photo: Photo, path: str) -> bytes | None:
        if photo.archive is None:
            return self._download(photo.repository, path, MAX_PHOTO_BYTES)
        name = path.partition("!/")[2]
        try:
            member = self._open_archive(photo.repository, photo.archive).getinfo(name)
        except KeyError:
            return None
        if member.file_size > MAX_PHOTO_BYTES:
            raise FetchError(f"{path}: {member.file_size} bytes, expected at most {MAX_PHOTO_BYTES}")
        try:
            return self._archives[photo.archive].read(member)
        except zipfile.BadZipFile as error:
            broken = self.out / ".archives"
            raise FetchError(f"{path}: damaged in the archive ({error}); delete {broken}") from error

    def _open_archive(self, repository: str, path: str) -> zipfile.ZipFile:
        if path not in self._archives:
            kept = self.out / ".archives" / PurePosixPath(path).name
            if not zipfile.is_zipfile(kept):
                data = self._download(repository, path, MAX_ARCHIVE_BYTES)
                if data is None or not zipfile.is_zipfile(io.BytesIO(data)):
                    raise FetchError(f"{path}: not in {repository}, or no longer a ZIP archive")
                write_whole(kept, data)
            self._archives[path] = zipfile.ZipFile(kept)
        return self._archives[path]

    def _download(self, repository: str, path: str, limit: int) -> bytes | None:
        """The bytes of one public file; None where the repository has no such file."""
        url = f"{self.base_url}/{repository}/raw/{SOURCES[repository].ref}/{urllib.parse.quote(path)}"
        for pause_s in (*PAUSES_S, None):
            try:
                with urllib.request.urlopen(url, timeout=60) as response:
                    return read_at_most(response, limit, url)
            except urllib.error.HTTPError as error:
                if error.code == 404:
                    return None
                problem = f"the server answered {error.code}"
            except (OSError, urllib.error.URLError) as error:
                problem = str(error)
            if pause_s is not None:
                time.sleep(pause_s)
        raise FetchError(f"{url}: {problem}")


def read_at_most(stream: BinaryIO, limit: int, name: str) -> bytes:
    data = stream.read(limit + 1)
    if len(data) > limit:
        raise FetchError(f"{name}: larger than {limit} bytes")
    return data


def write_whole(target: Path, data: bytes) -> None:
    """Write to a temporary file, then rename: a break leaves no half photo that looks whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    part.write_bytes(data)
    os.replace(part, target)


def write_table(out: Path, photos: dict[Photo, bool]) -> None:
    """Write OUT/photos.csv: what is there, for the workshop to read."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("path", "source", "category", "group", "split", "licence", "as_trained"))
    for photo, same in photos.items():
        known = (photo.path, photo.source, photo.category, photo.group, photo.split, photo.licence)
        writer.writerow((*known, "yes" if same else "no"))
    write_whole(out / "photos.csv", text.getvalue().encode())


def print_plan(photos: list[Photo], out: Path) -> None:
    for repository, count in Counter(photo.repository for photo in photos).items():
        source = SOURCES[repository]
        kind = "checked by SHA-256" if source.exact else "one archive, other copies than were trained on"
        size = f"about {source.about_bytes / 1e6:.0f} MB for all of them"
        print(f"{count:5d} photos from github.com/{repository}, {size}, {kind}")
    print(f"into {out}")


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Fetch the training photos from their public sources.")
    parser.add_argument("--out", type=Path, required=True, help="folder to fill")
    parser.add_argument("--list", type=Path, default=LIST, help="which photos (default: %(default)s)")
    parser.add_argument("--source", action="append", help="only this source (clothing, grocery, household)")
    parser.add_argument("--keep-changed", action="store_true", help="keep photos whose hash differs")
    parser.add_argument("--dry-run", action="store_true", help="print what would be fetched, and stop")
    parser.add_argument("--base-url", default="https://github.com", help="a mirror with the same paths")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Exit code: 0 all there, 1 some could not be had, 2 wrong usage or a list that is not sound."""
    options = parse(arguments)
    try:
        photos = read_list(options.list)
    except FetchError as error:
        print(f"fetch_photos: {error}", file=sys.stderr)
        return 2
    unknown = set(options.source or ()) - {photo.source for photo in photos}
    if unknown:
        print(f"fetch_photos: no photo has the source {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    photos = [photo for photo in photos if not options.source or photo.source in options.source]
    print_plan(photos, options.out)
    if options.dry_run:
        return 0
    fetcher = Fetcher(options.out, options.base_url, options.keep_changed)
    there: dict[Photo, bool] = {}
    for index, photo in enumerate(photos, 1):
        try:
            there[photo] = fetcher.fetch(photo)
        except FetchError as error:
            print(f"fetch_photos: {error}", file=sys.stderr)
        except OSError as error:  # a full disk: every further photo would fail as well
            print(f"fetch_photos: {photo.path} could not be written ({error.strerror})", file=sys.stderr)
            return 1
        if index % 100 == 0 or index == len(photos):
            print(f"{index} of {len(photos)}: {len(there)} there, {index - len(there)} not", flush=True)
    write_table(options.out, there)
    return 0 if len(there) == len(photos) else 1


if __name__ == "__main__":
    sys.exit(main())
