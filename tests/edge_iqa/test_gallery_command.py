"""`edge-iqa duplicates` and `edge-iqa gallery`: groups with the photo to keep, answers one a photo, exit codes."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge_iqa import Gallery, Inspector, image
from edge_iqa.cli import main
from edge_iqa.errors import OutputError
from edge_iqa.gallery import Kind, duplicates, make_fingerprint

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def folder(photo_paths: list[Path], tmp_path: Path, draw_photo: Callable[[np.random.Generator], Any]) -> Path:
    """A good photo, the same file, a copy of less quality, one that is mirrored, and two others."""
    made = tmp_path / "photos"
    made.mkdir()
    sharp = next(path for path in photo_paths if path.name == "coffee.jpg")
    pixels = image.read(sharp).pixels
    shutil.copy(sharp, made / "good.jpg")
    shutil.copy(sharp, made / "same.jpg")
    _write(made / "worn.jpg", pixels[10:380, 20:590], 25)
    _write(made / "turned.jpg", np.ascontiguousarray(pixels[:, ::-1]), 90)
    rng = np.random.default_rng(3)
    for name in ("boxes.jpg", "more.jpg"):
        _write(made / name, draw_photo(rng), 90)
    return made


def _write(path: Path, pixels: NDArray[np.uint8], quality: int) -> None:
    cv2.imwrite(str(path), pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])


def _find_duplicates(capsys: Capture, *arguments: str) -> tuple[int, dict[str, Any]]:
    code = main(["duplicates", "--json", *arguments])
    return code, json.loads(capsys.readouterr().out)


def test_copies_make_a_group_and_the_best_is_kept(folder: Path, capsys: Capture) -> None:
    code, found = _find_duplicates(capsys, str(folder))
    assert code == 1
    assert found["photos"] == 6
    (group,) = found["groups"]
    assert group["keep"]["file"] == str(folder / "good.jpg")
    kinds = {Path(each["file"]).name: each["kind"] for each in group["others"]}
    assert kinds == {"same.jpg": "exact", "worn.jpg": "near"}
    scores = [each["score"] for each in group["others"]]
    assert group["keep"]["score"] >= max(scores) and group["why"]


def test_mirrored_copies_join_where_asked(folder: Path, capsys: Capture) -> None:
    _, found = _find_duplicates(capsys, "--mirrored", str(folder))
    (group,) = found["groups"]
    turned = next(each for each in group["others"] if each["file"].endswith("turned.jpg"))
    assert (turned["kind"], turned["mirrored"]) == ("near", True)
    assert all(not each["mirrored"] for each in group["others"] if each is not turned)


def test_photos_that_are_no_copies_make_no_group(folder: Path, capsys: Capture) -> None:
    code, found = _find_duplicates(capsys, str(folder / "boxes.jpg"), str(folder / "good.jpg"))
    assert (code, found["groups"]) == (0, [])


def test_of_scores_that_are_the_same_the_one_with_most_pixels_is_kept(folder: Path, capsys: Capture) -> None:
    pixels = image.read(folder / "good.jpg").pixels
    for path in folder.iterdir():
        path.unlink()
    _write(folder / "a-part.png", pixels[2:-2, 2:-2], 100)
    _write(folder / "b-whole.png", pixels, 100)
    _, found = _find_duplicates(capsys, str(folder))
    (group,) = found["groups"]
    scores = [group["keep"]["score"], group["others"][0]["score"]]
    assert abs(scores[0] - scores[1]) <= 1, "this test needs two photos of nearly one score"
    assert group["keep"]["file"].endswith("b-whole.png")
    assert "most pixels" in group["why"]


def test_an_unreadable_photo_is_an_error_and_the_rest_goes_on(folder: Path, capsys: Capture) -> None:
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    code, found = _find_duplicates(capsys, str(folder))
    assert code == 3
    assert [Path(each["file"]).name for each in found["errors"]] == ["broken.jpg"]
    assert len(found["groups"]) == 1


def test_a_photo_named_twice_is_no_copy_of_itself(folder: Path, capsys: Capture) -> None:
    code, found = _find_duplicates(capsys, str(folder / "good.jpg"), str(folder / "good.jpg"))
    assert (code, found["photos"], found["groups"]) == (0, 1, [])


def test_a_folder_without_photos_is_told(tmp_path: Path, capsys: Capture) -> None:
    assert main(["duplicates", str(tmp_path)]) == 3
    assert "no photo directly in this folder" in capsys.readouterr().err


def test_people_read_which_to_keep_and_how_others_relate(folder: Path, capsys: Capture) -> None:
    assert main(["duplicates", str(folder)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"keep  {folder / 'good.jpg'}")
    assert any(line.split()[:2] == ["exact", str(folder / "same.jpg")] for line in lines)
    assert any(line.split()[:2] == ["near", str(folder / "worn.jpg")] for line in lines)
    assert lines[-1].startswith("6 photos: 1 group of copies, 2 to spare")


def test_what_was_added_is_found_in_another_run(folder: Path, tmp_path: Path, capsys: Capture) -> None:
    gallery = str(tmp_path / "listing.gallery")
    assert main(["gallery", "add", gallery, str(folder / "good.jpg"), str(folder / "boxes.jpg")]) == 0
    capsys.readouterr()
    asked = [str(folder / name) for name in ("worn.jpg", "more.jpg", "turned.jpg")]
    assert main(["gallery", "find", gallery, "--json", *asked]) == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    copies = [[each["name"] for each in line["matches"] if each["kind"] != "same product"] for line in lines]
    assert copies == [[str(folder / "good.jpg")], [], []]
    assert main(["gallery", "find", gallery, "--mirrored", asked[2]]) == 1


def test_a_copy_is_not_added_but_where_one_insists(folder: Path, tmp_path: Path, capsys: Capture) -> None:
    gallery = str(tmp_path / "listing.gallery")
    assert (
        main(["gallery", "add", gallery, "--json", str(folder / "good.jpg"), str(folder / "worn.jpg")]) == 1
    )
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["added"] for line in lines] == [True, False]
    assert main(["gallery", "add", gallery, "--anyway", "--json", str(folder / "worn.jpg")]) == 1
    assert json.loads(capsys.readouterr().out)["added"] is True


def test_adding_twice_changes_nothing(folder: Path, tmp_path: Path, capsys: Capture) -> None:
    gallery = str(tmp_path / "listing.gallery")
    for code in (0, 1):
        assert main(["gallery", "add", gallery, "--anyway", str(folder / "good.jpg")]) == code


def test_another_photo_under_a_name_that_is_taken_is_an_error(
    folder: Path, tmp_path: Path, capsys: Capture
) -> None:
    gallery = str(tmp_path / "listing.gallery")
    main(["gallery", "add", gallery, str(folder / "good.jpg")])
    shutil.copy(folder / "boxes.jpg", folder / "good.jpg")
    assert main(["gallery", "add", gallery, str(folder / "good.jpg")]) == 3
    assert "another photo of this name" in capsys.readouterr().out


def test_a_removed_photo_is_gone_and_a_missing_one_removes_nothing(
    folder: Path, tmp_path: Path, capsys: Capture
) -> None:
    gallery, good = str(tmp_path / "listing.gallery"), str(folder / "good.jpg")
    main(["gallery", "add", gallery, good])
    assert main(["gallery", "remove", gallery, good, "nothing.jpg"]) == 2
    assert main(["gallery", "find", gallery, good]) == 1
    assert main(["gallery", "remove", gallery, good]) == 0
    assert main(["gallery", "find", gallery, good]) == 0


def test_looking_in_a_gallery_that_is_missing_or_none_is_wrong_usage(
    folder: Path, tmp_path: Path, capsys: Capture
) -> None:
    assert main(["gallery", "find", str(tmp_path / "none.gallery"), str(folder / "good.jpg")]) == 2
    assert main(["gallery", "add", str(folder / "good.jpg"), str(folder / "good.jpg")]) == 2
    assert image.read(folder / "good.jpg").pixels.size
    assert "this file is none" in capsys.readouterr().err


def test_an_unreadable_photo_is_told_and_the_rest_is_added(
    folder: Path, tmp_path: Path, capsys: Capture
) -> None:
    gallery = str(tmp_path / "listing.gallery")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    assert (
        main(["gallery", "add", gallery, "--json", str(folder / "broken.jpg"), str(folder / "good.jpg")]) == 3
    )
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert first["error"]["type"] == "DamagedPhotoError"
    assert second["added"] is True


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_name_whose_file_is_another_view_by_now_is_an_error_too(
    folder: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    gallery = str(tmp_path / "listing.gallery")
    main(["gallery", "add", gallery, str(folder / "boxes.jpg")])
    shutil.copy(folder / "more.jpg", folder / "boxes.jpg")
    capsys.readouterr()
    monkeypatch.setattr("edge_iqa.gallery.judging.estimate_chance", lambda distance: 0.9)
    assert main(["gallery", "add", gallery, *options, str(folder / "boxes.jpg")]) == 3
    assert "another photo of this name" in capsys.readouterr().out


@pytest.mark.skipif(os.name != "posix", reason="needs symbolic links")
def test_one_file_by_two_names_is_no_copy_and_its_real_name_counts(folder: Path, capsys: Capture) -> None:
    for name in ("same.jpg", "worn.jpg"):
        (folder / name).unlink()
    (folder / "a.jpg").symlink_to(folder / "good.jpg")
    (folder / "link").symlink_to(folder)
    dotted = f"{folder}/./good.jpg"
    code, found = _find_duplicates(capsys, str(folder), dotted, str(folder / "link" / "good.jpg"))
    assert (code, found["photos"], found["groups"]) == (0, 4, [])
    shutil.copy(folder / "good.jpg", folder / "same.jpg")
    _, found = _find_duplicates(capsys, str(folder))
    _, through_link = _find_duplicates(capsys, str(folder / "link"))
    for (group,) in (found["groups"], through_link["groups"]):
        files = {Path(each["file"]).name for each in (group["keep"], *group["others"])}
        assert files == {"good.jpg", "same.jpg"}


def test_every_photo_of_a_group_is_a_copy_of_the_one_to_keep(
    inspector: Inspector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A and B are alike, B and C too, A and C not: as a crop of a crop may be."""
    rng = np.random.default_rng(0)
    pixels = cv2.GaussianBlur(rng.integers(0, 256, (500, 700, 3), np.uint8), (0, 0), 12)
    pixels = cv2.normalize(pixels, None, 0, 255, cv2.NORM_MINMAX)
    parts = [pixels[:, 98 * n : 98 * n + 504] for n in range(3)]
    scores = {"0": 50.0, "1": 40.0, "2": 45.0}
    photos = {
        name: replace(make_fingerprint(inspector, np.ascontiguousarray(part)), score=scores[name])
        for name, part in zip("012", parts, strict=True)
    }
    gallery = Gallery(inspector)
    for name, photo in photos.items():
        gallery.add(photo, name)
    near = {
        (name, match.name)
        for name, photo in photos.items()
        for match in gallery.find(photo)
        if match.kind is Kind.NEAR
    }
    assert near == {("0", "1"), ("1", "0"), ("1", "2"), ("2", "1")}, "this test needs a chain"
    monkeypatch.setattr(duplicates, "make_fingerprint", lambda _, path: photos[path])
    (group,) = duplicates.find_duplicates(inspector, list(photos)).groups
    assert (group.keep.file, [other.file for other in group.others]) == ("0", ["1"])


def test_what_cannot_be_written_is_told_before_anything_is_said_to_be_added(
    folder: Path, tmp_path: Path, capsys: Capture
) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert main(["gallery", "add", str(tmp_path / "file" / "a.gallery"), str(folder / "good.jpg")]) == 2
    assert "added" not in capsys.readouterr().out


def test_added_is_said_once_it_is_on_the_disk(
    folder: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OutputError("the disk is full")

    monkeypatch.setattr("edge_iqa.gallery.store.write", fail)
    assert main(["gallery", "add", str(tmp_path / "a.gallery"), str(folder / "good.jpg")]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and "the disk is full" in captured.err


def test_where_nothing_is_added_nothing_is_written(folder: Path, tmp_path: Path, capsys: Capture) -> None:
    gallery = tmp_path / "listing.gallery"
    assert main(["gallery", "add", str(gallery), str(folder / "missing.jpg")]) == 3
    assert not gallery.exists()
    main(["gallery", "add", str(gallery), str(folder / "good.jpg")])
    before = os.stat(gallery)
    main(["gallery", "add", str(gallery), str(folder / "same.jpg")])
    after = os.stat(gallery)
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_a_folder_without_photos_is_no_photo(tmp_path: Path, capsys: Capture) -> None:
    main(["duplicates", str(tmp_path)])
    assert capsys.readouterr().out.startswith("0 photos:")


@pytest.mark.skipif(os.name != "posix", reason="needs symbolic links")
def test_a_link_to_a_gallery_that_is_yet_to_be_begins_it_there(
    folder: Path, tmp_path: Path, capsys: Capture
) -> None:
    link, real = tmp_path / "link.gallery", tmp_path / "real.gallery"
    link.symlink_to(real)
    assert main(["gallery", "add", str(link), str(folder / "good.jpg")]) == 0
    assert link.is_symlink() and real.is_file()
