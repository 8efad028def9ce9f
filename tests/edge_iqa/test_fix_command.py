"""`edge-iqa fix` writes what is better or needed nothing, and nothing else; its exit code tells which."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_iqa import Inspector, Verdict, cli, image, metadata
from edge_iqa.schema import make_fix_schema
from tests.edge_iqa import photos

jsonschema = pytest.importorskip("jsonschema")

FITS = jsonschema.Draft202012Validator(make_fix_schema())

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
    code = _run(dark, "-o", out, "--json")
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    FITS.validate(told)
    assert code == (told["verdict"]["after"] != "accept")
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
    assert _run(dark, "-o", tmp_path / "out.png") == (fixed.after.verdict is not Verdict.ACCEPT)
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


def _bmp(good: Path, name: str) -> Path:
    path = good.parent / name
    path.write_bytes(photos.encode(path.suffix, image.read(good).pixels))
    return path


def test_a_name_with_a_slash_behind_it_is_a_folder_that_is_made(good: Path, tmp_path: Path) -> None:
    assert _run(good, "-o", f"{tmp_path}/new/fixed/") == 0
    assert (tmp_path / "new" / "fixed" / "good.png").read_bytes() == good.read_bytes()


@pytest.mark.parametrize("name", ["-", "noext", "out.xyz", "out.", ".png"])
def test_a_name_that_tells_no_format_is_refused_with_those_there_are(
    name: str, good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert _run(good, "-o", name) == cli.USAGE
    told = capsys.readouterr().err
    assert ".jpg, .jpeg, .png, .webp" in told and "ends in /" in told
    assert [each.name for each in tmp_path.iterdir()] == ["good.png"]


def test_a_way_through_a_folder_that_is_not_there_replaces_nothing(
    good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.png"
    other.write_bytes(b"dear")
    before = good.read_bytes()
    for name in ("good.png", "other.png"):
        assert _run(good, "-o", f"{tmp_path}/nope/../{name}") == cli.USAGE
        assert "--overwrite" in capsys.readouterr().err
    assert good.read_bytes() == before and other.read_bytes() == b"dear"
    assert not (tmp_path / "nope").exists()


def test_what_is_written_but_not_accepted_exits_1_and_says_so(
    good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = _rule(tmp_path, "bytes", "file_bytes", "at_most", good.stat().st_size // 3)
    size, out = rules.read_text(), tmp_path / "out.jpg"
    rules.write_text(size + '[[rules]]\nid = "shape"\nmeasure = "format"\none_of = ["png"]\n')
    assert _run(good, "-o", out, "--policy", rules) == 1
    shown = capsys.readouterr().out
    assert not out.exists(), "one cause for another is no gain"
    assert "left as it was: the JPEG to write would be no better" in shown and "(FORMAT)" in shown
    rules.write_text(size + '[[rules]]\nid = "tint"\nmeasure = "cast"\nat_most = 0\n')
    assert _run(good, "-o", out, "--policy", rules) == 1
    shown = capsys.readouterr().out
    assert out.exists() and f"wrote {out}, which is better but not accepted" in shown


@pytest.mark.parametrize("suffix", [".bmp", ".tiff"])
def test_an_accepted_photo_keeps_name_and_bytes_in_a_folder_whatever_its_format(
    suffix: str, good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = _bmp(good, f"a{suffix}"), tmp_path / "out"
    assert _run(path, "-o", f"{out}/") == 0
    assert {each.name: each.read_bytes() for each in out.iterdir()} == {path.name: path.read_bytes()}
    capsys.readouterr()
    assert _run(path, "-o", f"{out}/", "--strip-location") == 0
    assert (out / "a.jpg").read_bytes()[:3] == b"\xff\xd8\xff"
    assert "encoded as JPEG: the place could not be taken out" in capsys.readouterr().out
    assert _run(path, good, "-o", f"{tmp_path}/several/", "--strip-location") == 0
    assert "encoded as JPEG: the place could not be taken out" in capsys.readouterr().out.splitlines()[0]


def test_several_photos_go_into_a_folder_and_a_bad_one_stops_none(
    good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out = tmp_path / "photos", tmp_path / "out"
    folder.mkdir()
    (folder / "a.png").write_bytes(good.read_bytes())
    (folder / "b.jpg").write_bytes(b"no photo")
    (folder / "note.txt").write_bytes(b"no photo")
    (tmp_path / "empty").mkdir()
    bitmap = _bmp(good, "a.bmp")
    before = (folder / "a.png").read_bytes()
    assert _run(folder, tmp_path / "empty", bitmap, "-o", f"{out}/") == cli.UNREADABLE
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(": ")[0] for line in lines[:-1]] == [
        str(folder / "a.png"), str(folder / "b.jpg"), str(tmp_path / "empty"), str(bitmap)
    ]  # fmt: skip
    assert "not an image" in lines[1] and "no photo directly in this folder" in lines[2]
    assert lines[-1] == "4 photos: 2 copied, 2 error"
    assert {each.name for each in out.iterdir()} == {"a.png", "a.bmp"}
    assert (folder / "a.png").read_bytes() == before
    assert _run(folder / "a.png", bitmap, "-o", out, "--json") == cli.USAGE, "they are there already"
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["error"]["type"] for each in told] == ["OutputError"] * 2
    assert _run(folder / "a.png", bitmap, "-o", out, "--json", "--overwrite") == 0
    told += [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(told) == 4
    for each in told:
        FITS.validate(each)


def test_the_worst_photo_makes_the_exit_code(good: Path, tmp_path: Path) -> None:
    policy = _rule(tmp_path, "size", "long_side_px", "at_least", 9000)
    bitmap = _bmp(good, "a.bmp")
    assert _run(good, bitmap, "-o", f"{tmp_path}/out/", "--policy", policy) == cli.NOT_ACCEPTED
    assert not list((tmp_path / "out").iterdir())


def test_several_photos_need_a_folder(good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for photo in ([good, good], [tmp_path]):
        assert _run(*photo, "-o", tmp_path / "out.png") == cli.USAGE
        assert "expected a folder for several photos" in capsys.readouterr().err


@pytest.mark.parametrize("overwrite", [False, True])
def test_two_photos_of_one_name_do_not_replace_each_other(
    overwrite: bool, good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other" / "good.png"
    other.parent.mkdir()
    other.write_bytes(photos.encode(".png", image.read(good).pixels[:, ::-1]))
    kept = {path: path.read_bytes() for path in (good, other)}
    options = ["--overwrite"] if overwrite else []
    assert _run(good, other, "-o", f"{tmp_path}/out/", *options) == cli.USAGE
    assert (tmp_path / "out" / "good.png").read_bytes() == kept[good]
    assert "another photo of this run" in capsys.readouterr().out
    # into the folder of one of them: the other's result would replace it
    assert _run(other, good, "-o", tmp_path, *options) == cli.USAGE
    assert {path: path.read_bytes() for path in kept} == kept


def test_where_errors_go_to_a_terminal_they_tell_how_far_it_is(
    good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert _run(good, _bmp(good, "a.bmp"), "-o", f"{tmp_path}/out/") == 0
    assert capsys.readouterr().err.endswith("\r1/2\r2/2\n")


def test_what_the_schema_of_repairs_does_not_name_is_refused(
    good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(good, "-o", tmp_path / "out.png", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    FITS.validate(told)
    for key in told:
        assert not FITS.is_valid({name: value for name, value in told.items() if name != key}), key
        assert not FITS.is_valid({**told, key: {"not": "this"}}), key
    for change in (
        {"surprise": 1}, {"schema": 1}, {"out": None}, {"bytes": None}, {"bytes": 0}, {"why": ""},
        {"verdict": {"before": "accept", "after": "reject"}}, {"score": {"before": 101, "after": 1}},
        {"steps": [{"name": "exposure", "strength": 2, "parameters": {}}]},
        {"causes": {"before": [{"code": "UGLY", "message": "a", "advice": "b"}], "after": []}},
    ):  # fmt: skip
        assert not FITS.is_valid({**told, **change}), change


def test_the_schema_of_repairs_on_disk_is_what_the_command_prints(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["schema", "--of", "fix"]) == 0
    kept = (Path(cli.__file__).parent / "fix.schema.json").read_text()
    assert capsys.readouterr().out == kept, "run `edge-iqa schema --of fix > edge_iqa/fix.schema.json`"
    jsonschema.Draft202012Validator.check_schema(json.loads(kept))


@pytest.mark.skipif(sys.platform != "linux", reason="file names are Unicode elsewhere")
def test_a_file_name_that_is_no_text_gives_json_without_lone_surrogates(
    good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.png")
    path.write_bytes(good.read_bytes())
    missing = tmp_path / os.fsdecode(b"\xff.png")
    cli.main(["inspect", "--json", str(path), str(missing)])
    _run(path, missing, "-o", f"{tmp_path}/out/", "--json")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    for line in lines:
        assert json.loads(line)["file"].encode().endswith("\ufffd.png".encode()), (
            "a lone surrogate has no UTF-8"
        )
    assert (tmp_path / "out" / path.name).exists()


@pytest.mark.skipif(sys.platform == "win32", reason="such names are refused there")
def test_a_file_name_cannot_control_the_terminal_or_make_two_lines_of_one(
    good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, broken = tmp_path / "a\033[2J\nb.png", tmp_path / "a\nb.jpg"
    path.write_bytes(good.read_bytes())
    broken.write_bytes(b"no photo")
    _run(path, broken, "-o", f"{tmp_path}/out/")
    shown = capsys.readouterr().out
    assert "\033" not in shown and len(shown.splitlines()) == 3
