"""`edge-iqa fix` writes what is better or needed nothing, and nothing else; its exit code tells which."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_iqa import Inspector, Verdict, cli, image, metadata
from tests.edge_iqa import photos

OURS = """
title = "Ours"
[[rules]]
id = "{name}"
measure = "{measure}"
{side} = {bound}
"""


@pytest.fixture(scope="session")
def dark_photo(good_photo: NDArray[np.uint8]) -> bytes:
    return photos.encode(".jpg", (255 * (good_photo / 255.0) ** 2.2 * 0.6).astype(np.uint8))


@pytest.fixture
def dark(tmp_path: Path, dark_photo: bytes) -> Path:
    path = tmp_path / "dark.jpg"
    path.write_bytes(dark_photo)
    return path


@pytest.fixture
def good(tmp_path: Path, good_photo: NDArray[np.uint8]) -> Path:
    path = tmp_path / "good.png"
    path.write_bytes(photos.encode(".png", good_photo))
    return path


def _run(*arguments: str | Path) -> int:
    return cli.main(["fix", *map(str, arguments)])


def _rule(folder: Path, name: str, measure: str, side: str, bound: float) -> Path:
    path = folder / "ours.toml"
    path.write_text(OURS.format(name=name, measure=measure, side=side, bound=bound))
    return path


@pytest.mark.slow
def test_a_dark_photo_is_repaired_beside_its_source(
    dark: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], inspector: Inspector
) -> None:
    before, out = dark.read_bytes(), tmp_path / "out.jpg"
    assert _run(dark, "-o", out, "--json") == 0
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert dark.read_bytes() == before
    report = inspector.inspect(out)
    assert told["changed"] and told["out"] == str(out) and told["bytes"] == out.stat().st_size
    assert told["verdict"] == {"before": "fix", "after": report.verdict.value}
    assert told["score"]["after"] == pytest.approx(report.score, abs=1e-3)
    assert report.score > told["score"]["before"] + 10
    assert told["steps"][0]["name"] == "exposure" and told["steps"][0]["parameters"]["stops"] > 0
    assert [cause["code"] for cause in told["causes"]["before"]] == ["TOO_DARK"]
    assert image.read(out).pixels.mean() > image.read(dark).pixels.mean() + 10


@pytest.mark.slow
def test_python_gives_the_same_pixels_as_the_command(
    dark: Path, tmp_path: Path, inspector: Inspector
) -> None:
    fixed = inspector.fix(dark)
    assert fixed.changed and fixed.before.verdict is Verdict.FIX
    assert fixed.after.score > fixed.before.score
    assert _run(dark, "-o", tmp_path / "out.png") == 0
    assert np.array_equal(image.read(tmp_path / "out.png").pixels, fixed.pixels)


def test_a_photo_that_is_accepted_is_copied_byte_for_byte(
    good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "fixed"
    folder.mkdir()
    assert _run(good, "-o", folder) == 0
    assert (folder / "good.png").read_bytes() == good.read_bytes()
    assert "nothing to repair" in capsys.readouterr().out
    assert _run(good, "-o", tmp_path / "good.webp") == 0, "another format was asked for"
    assert (tmp_path / "good.webp").read_bytes()[8:12] == b"WEBP"


def test_a_photo_to_take_anew_gives_no_file_and_its_advice(
    good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy, out = _rule(tmp_path, "size", "long_side_px", "at_least", 9000), tmp_path / "out.png"
    assert _run(good, "-o", out, "--policy", policy, "--lang", "zh") == 1
    shown = capsys.readouterr().out
    assert not out.exists() and "retake" in shown and "nothing written" in shown
    assert any("\u4e00" <= letter <= "\u9fff" for letter in shown), "the advice is in the language asked for"
    assert _run(good, "-o", out, "--policy", policy, "--json") == 1
    told = json.loads(capsys.readouterr().out)
    assert told["out"] is None and not told["changed"] and told["causes"]["before"][0]["code"] == "TOO_SMALL"


def test_a_file_of_too_many_bytes_becomes_a_smaller_one(good: Path, tmp_path: Path) -> None:
    most = good.stat().st_size // 3
    policy, out = _rule(tmp_path, "bytes", "file_bytes", "at_most", most), tmp_path / "out.jpg"
    assert _run(good, "-o", out, "--policy", policy) == 0
    assert out.stat().st_size <= most
    assert image.read(out).pixels.shape == image.read(good).pixels.shape


def test_the_photo_itself_and_other_files_are_replaced_only_if_asked(
    good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    link, other = tmp_path / "link.png", tmp_path / "other.png"
    link.symlink_to(good)
    other.write_bytes(b"dear")
    for out in (good, tmp_path, link, other):
        assert _run(good, "-o", out) == cli.USAGE
        assert "itself" in capsys.readouterr().err or out == other
    assert other.read_bytes() == b"dear"
    assert _run(good, "-o", other, "--overwrite") == 0 and other.read_bytes() == good.read_bytes()


def test_what_is_no_photo_and_no_target_is_told(
    good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no photo")
    assert _run(broken, "-o", tmp_path / "out.jpg") == cli.UNREADABLE
    assert "not an image" in capsys.readouterr().err
    assert _run(broken, "-o", tmp_path / "out.jpg", "--json") == cli.UNREADABLE
    assert "error" in json.loads(capsys.readouterr().out)
    assert _run(good, "-o", tmp_path / "out.gif") == cli.USAGE
    assert _run(good, "-o", tmp_path / "out.png", "--policy", "nobody") == cli.USAGE
    assert not (tmp_path / "out.jpg").exists() and not (tmp_path / "out.png").exists()


def test_the_place_goes_if_asked_and_the_rest_stays(tmp_path: Path, good_photo: NDArray[np.uint8]) -> None:
    pillow = pytest.importorskip("PIL.Image")
    picture = pillow.fromarray(good_photo)
    exif = picture.getexif()
    exif[0x010F] = "OurMaker"
    exif.get_ifd(0x8825)[1] = "N"
    path = tmp_path / "photo.jpg"
    picture.save(path, exif=exif, quality=95)
    assert _run(path, "-o", tmp_path / "kept.jpg") == 0
    assert _run(path, "-o", tmp_path / "gone.jpg", "--strip-location") == 0
    kept, gone = (pillow.open(tmp_path / name).getexif() for name in ("kept.jpg", "gone.jpg"))
    assert kept[0x010F] == gone[0x010F] == "OurMaker"
    assert kept.get_ifd(0x8825) and not gone.get_ifd(0x8825)
    assert metadata.read((tmp_path / "gone.jpg").read_bytes()) is not None
