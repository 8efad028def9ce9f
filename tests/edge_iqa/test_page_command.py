"""`edge-iqa report` writes one page of what it was given, and tells by its exit code how it went."""

from __future__ import annotations

import base64
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_iqa import cli
from edge_iqa.page.command import shorten
from tests.edge_iqa import photos
from tests.edge_iqa.pages import HOSTILE


@pytest.fixture
def folder(tmp_path: Path, photo_paths: list[Path]) -> Path:
    """Two photos, one with a name that is an attack, and a file that is no photo."""
    made = tmp_path / "in"
    made.mkdir()
    shutil.copy(photo_paths[0], made / "plain.jpg")
    shutil.copy(photo_paths[0], made / HOSTILE)
    (made / "broken.jpg").write_bytes(b"no photo")
    return made


def _run(*arguments: str | Path) -> int:
    return cli.main(["report", *map(str, arguments)])


def test_the_page_has_every_photo_and_every_failure(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "report.html"
    assert _run(folder, "-o", out, "--policy", "amazon-main") == cli.UNREADABLE
    page = out.read_text(encoding="utf-8")
    assert page.count('<details class="photo"') == 3
    assert "&lt;img src=x onerror=alert(1)&gt;.jpg" in page and "<img src=x" not in page
    assert 'data-name="broken.jpg"' in page and "not an image" in page
    assert "amazon-main/fill" in page and str(folder) not in page
    assert f"{out}: " in capsys.readouterr().out


def test_the_page_speaks_the_language_that_was_asked_for(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    assert _run(folder / "plain.jpg", "-o", out, "--lang", "zh") in (cli.ACCEPTED, cli.NOT_ACCEPTED)
    page = out.read_text(encoding="utf-8")
    assert '<html lang="zh">' in page and "照片质量报告" in page


@pytest.mark.parametrize("name", ["photo.jpg", "report", "report.html/"])
def test_what_is_no_page_is_never_replaced(
    folder: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A slip such as `-o *.jpg` must not cost a photo."""
    target = tmp_path / name
    if name.endswith("/"):
        target.mkdir()
    else:
        target.write_bytes(b"dear")
    assert _run(folder / "plain.jpg", "-o", target) == cli.USAGE
    assert target.is_dir() or target.read_bytes() == b"dear"
    assert "expected a page to write, such as report.html" in capsys.readouterr().err


def test_place_and_time_of_a_photo_do_not_reach_the_page(tmp_path: Path) -> None:
    pillow = pytest.importorskip("PIL.Image")
    image = pillow.fromarray(photos.gradient(300, 400))
    exif = image.getexif()
    exif[0x010F] = "SecretMaker"
    exif[0x9003] = "2026:01:02 03:04:05"
    path, out = tmp_path / "a.jpg", tmp_path / "report.html"
    image.save(path, exif=exif)
    assert b"SecretMaker" in path.read_bytes()
    _run(path, "-o", out)
    encoded = re.findall(rb"data:image/jpeg;base64,([\w+/=]+)", out.read_bytes())
    assert len(encoded) == 2
    for picture in map(base64.b64decode, encoded):
        assert b"SecretMaker" not in picture and b"Exif" not in picture


def test_where_nothing_can_be_read_no_page_is_written_or_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    out, new = tmp_path / "report.html", tmp_path / "new" / "report.html"
    out.write_bytes(b"yesterday's")
    for page in (out, new):
        assert _run(tmp_path / "nosuch.jpg", tmp_path / "empty", "-o", page) == cli.UNREADABLE
        told = capsys.readouterr().err.splitlines()
        assert "nosuch.jpg: no such file" in told[0] and "no photo directly in this folder" in told[1]
        assert told[2] == f"edge-iqa: {page}: nothing written, as no photo could be read"
    assert out.read_bytes() == b"yesterday's" and not new.parent.exists()


def test_an_empty_folder_is_a_failure_on_the_page(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    out = tmp_path / "report.html"
    assert _run(tmp_path / "empty", folder / "plain.jpg", "-o", out) == cli.UNREADABLE
    assert "no photo directly in this folder" in out.read_text(encoding="utf-8")


def test_photos_are_called_by_what_tells_them_apart() -> None:
    assert shorten(["x/a.jpg", "y/b.jpg"]) == ["a.jpg", "b.jpg"]
    assert shorten(["x/a.jpg", "x/y/a.jpg"]) == ["a.jpg", "y/a.jpg"]
    assert shorten(["a.jpg"]) == ["a.jpg"]
    assert shorten(["a.jpg", "a.jpg"]) == ["a.jpg", "a.jpg"]


@pytest.mark.slow
def test_with_fix_the_page_shows_before_and_after_and_the_photo_stays(
    good_photo: NDArray[np.uint8], tmp_path: Path
) -> None:
    dark = (255 * (good_photo / 255.0) ** 2.2 * 0.6).astype(np.uint8)
    path, out = tmp_path / "dark.png", tmp_path / "report.html"
    path.write_bytes(photos.encode(".png", dark))
    before = path.read_bytes()
    _run(path, "-o", out)
    assert 'type="range"' not in out.read_text(encoding="utf-8")
    _run(path, "-o", out, "--fix")
    assert out.read_text(encoding="utf-8").count('type="range"') == 1
    assert path.read_bytes() == before
