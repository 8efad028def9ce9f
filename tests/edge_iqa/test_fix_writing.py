"""What `edge-iqa fix` writes is the photo it judged, and no worse a file; what stops one photo stops no other."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_iqa import Inspector, Verdict, cli, image, metadata
from edge_iqa.errors import PhotoError
from edge_iqa.fix.batch import fix_files
from edge_iqa.fix.command import FixedFile, fix_file
from edge_iqa.policy import open_policy, parse_policy
from edge_iqa.report import Issue, Report
from edge_iqa.schema import make_fix_schema
from tests.edge_iqa import pages, photos

jsonschema = pytest.importorskip("jsonschema")

FITS = jsonschema.Draft202012Validator(make_fix_schema())
GENERAL = open_policy("general")
EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "photos"


@pytest.fixture
def good(tmp_path: Path, good_photo: NDArray[np.uint8]) -> Path:
    path = tmp_path / "good.png"
    path.write_bytes(photos.encode(".png", good_photo))
    return path


def _limit(folder: Path, most: int, *more: str) -> Path:
    path = folder / "ours.toml"
    lines = [
        'title = "Ours"',
        "[[rules]]",
        'id = "bytes"',
        'measure = "file_bytes"',
        f"at_most = {most}",
        *more,
    ]
    path.write_text("\n".join(lines))
    return path


def _run(*arguments: str | Path) -> int:
    return cli.main(["fix", *map(str, arguments)])


class _Script:
    """An inspector whose reports are written beforehand, and which may do something when it is asked."""

    def __init__(self, inspector: Inspector, *reports: Report) -> None:
        self.bundle, self.backend, self.reports = inspector.bundle, inspector.backend, list(reports)

    def inspect(self, photo: object, policy: object) -> Report:
        return self.reports.pop(0)


def _report(verdict: Verdict, score: float, *codes: str) -> Report:
    issues = tuple(Issue(code, 0.5, 1.0, None, True, 0.0, "what", "advice") for code in codes)
    return dataclasses.replace(pages.make_report(verdict=verdict, score=score), rules=(), issues=issues)


@pytest.mark.parametrize(
    ("after", "stands"),
    [
        (_report(Verdict.FIX, 38.9, "SKEW"), True),
        (_report(Verdict.FIX, 37.9, "SKEW"), False),
        (_report(Verdict.RETAKE, 70.0, "SKEW", "NOISE"), False),
        (_report(Verdict.ACCEPT, 20.0), True),
    ],
    ids=["fewer causes", "a lower score", "as many causes", "accepted"],
)
def test_the_file_to_write_is_judged_before_it_is_written(
    after: Report, stands: bool, good: Path, tmp_path: Path, inspector: Inspector
) -> None:
    policy, out = parse_policy(_limit(tmp_path, 10**6).read_bytes(), "ours"), tmp_path / "out.jpg"
    script: Any = _Script(inspector, _report(Verdict.FIX, 40.0, "FILE_TOO_LARGE", "SKEW"), after)
    fixed = fix_file(script, good, out, policy)
    assert out.exists() == fixed.changed == (fixed.written is not None) == stands
    FITS.validate(fixed.to_dict())
    if not stands:
        assert fixed.outcome == "left as it was" and fixed.code == cli.NOT_ACCEPTED
        assert f"{after.verdict}" in fixed.why and f"40.0 → {after.score:.1f}" in fixed.why


@pytest.mark.slow
def test_a_photo_that_so_few_bytes_would_spoil_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = tmp_path / "mug.png", tmp_path / "out.jpg"
    path.write_bytes(photos.encode(".png", image.read(EXAMPLES / "mug-noisy.jpg").pixels))
    assert _run(path, "-o", out, "--policy", _limit(tmp_path, 336_000)) == cli.NOT_ACCEPTED
    assert "no better: retake" in capsys.readouterr().out
    assert not out.exists()


@pytest.mark.parametrize("more", ['severity = "should"', "starts = 2999-01-01", "ends = 2001-01-01"])
def test_only_a_must_in_force_makes_a_file_smaller_or_fails(
    more: str, good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(good, "-o", tmp_path / "finest.webp") == 0
    most = (tmp_path / "finest.webp").stat().st_size - 1
    for bound in (most, 100):
        assert _run(good, "-o", tmp_path / f"{bound}.webp", "--policy", _limit(tmp_path, bound, more)) == 0
        assert (tmp_path / f"{bound}.webp").read_bytes() == (tmp_path / "finest.webp").read_bytes()
    capsys.readouterr()
    assert _run(good, "-o", tmp_path / "must.webp", "--policy", _limit(tmp_path, 100)) == cli.USAGE
    assert f"{good}: expected a WEBP of at most 100 bytes" in capsys.readouterr().err
    assert _run(good, "-o", tmp_path / "must.webp", "--policy", _limit(tmp_path, 100), "--json") == cli.USAGE


def test_metadata_counts_against_the_bytes_of_a_policy(tmp_path: Path, good_photo: NDArray[np.uint8]) -> None:
    plain = photos.encode(".jpg", good_photo)
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/">' + b" " * 50_000 + b"</x:xmpmeta>"
    path, out = tmp_path / "photo.jpg", tmp_path / "out.jpg"
    path.write_bytes(photos.into_jpeg(plain, 0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp))
    most = path.stat().st_size - len(plain) // 5
    assert _run(path, "-o", out, "--policy", _limit(tmp_path, most)) == 0
    assert out.stat().st_size <= most
    assert len(metadata.read(out.read_bytes()).xmp or b"") > 50_000


def test_a_place_that_is_taken_gives_an_object_of_one_photo_too(
    good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = tmp_path / "taken.png"
    taken.write_bytes(b"dear")
    for out in (taken, tmp_path / "out.gif", taken / "out.png"):
        assert _run(good, "-o", out, "--json") == cli.USAGE
        told = capsys.readouterr()
        FITS.validate(json.loads(told.out))
        assert json.loads(told.out)["error"]["type"] == "OutputError" and str(out) in told.err
    assert _run(good, "-o", taken) == cli.USAGE
    told = capsys.readouterr()
    assert not told.out and told.err.startswith("edge-iqa: ")


def test_a_name_too_long_for_its_suffix_stops_only_its_photo(good: Path, inspector: Inspector) -> None:
    long = good.with_name("n" * 253)
    long.write_bytes(photos.encode(".bmp", image.read(good).pixels))
    out = good.parent / "out"
    out.mkdir()
    results = list(fix_files(inspector, [str(long), str(good)], f"{out}/", GENERAL, strip_location=True))
    assert [each.outcome for each in results] == ["error", "copied"]
    assert [each.name for each in out.iterdir()] == ["good.png"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs links")
def test_a_way_that_leads_round_in_a_circle_is_an_error_of_its_photo(
    good: Path, inspector: Inspector
) -> None:
    (good.parent / "loop").symlink_to("loop")
    (result,) = fix_files(
        inspector, [str(good)], f"{good.parent}/../{good.parent.name}/loop/out.png", GENERAL
    )
    assert result.outcome == "error" and "could not be written" in result.to_line()


def test_a_photo_that_goes_or_changes_meanwhile_is_written_as_it_was_judged(
    good: Path, inspector: Inspector, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, inspect = good.read_bytes(), inspector.inspect

    def spoil(photo: Any, *rest: Any) -> Report:
        report = inspect(photo, *rest)
        good.unlink(missing_ok=True)
        return report

    monkeypatch.setattr(inspector, "inspect", spoil)
    (fixed,) = fix_files(inspector, [str(good)], good.parent / "out.png", GENERAL)
    assert isinstance(fixed, FixedFile) and fixed.written is not None
    assert fixed.written.path.read_bytes() == kept
    (gone,) = fix_files(inspector, [str(good)], good.parent / "other.png", GENERAL)
    assert gone.code == cli.UNREADABLE and "no such file" in gone.to_line()


@pytest.mark.parametrize("data", [b"", b"no photo", b"\xff\xd8\xff\xe0"])
def test_an_error_names_the_photo_once(data: bytes, tmp_path: Path, inspector: Inspector) -> None:
    path = tmp_path / "broken.jpg"
    path.write_bytes(data)
    with pytest.raises(PhotoError) as fixing:
        fix_file(inspector, path, tmp_path / "out.jpg", GENERAL)
    with pytest.raises(PhotoError) as inspecting:
        inspector.inspect(path)
    assert str(fixing.value) == str(inspecting.value)


def test_a_result_is_not_repaired_again_where_a_photo_is_given_twice(
    tmp_path: Path, good_photo: NDArray[np.uint8], capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(photos.encode(".jpg", good_photo))
    once = path.read_bytes()
    assert _run(path, path, "-o", tmp_path, "--overwrite") == cli.USAGE
    lines = capsys.readouterr().out.splitlines()
    assert "wrote" in lines[0] and "another photo of this run or what became of it" in lines[1]
    assert path.read_bytes() == once
