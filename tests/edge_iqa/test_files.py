"""A result is written whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from edge_iqa.errors import OutputError
from edge_iqa.files import write_bytes, write_json

ROOT = Path(__file__).resolve().parents[2]

FULL_DISK = """
import resource, sys
from edge_iqa.errors import OutputError
from edge_iqa.files import write_bytes
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_bytes(sys.argv[1], b"x" * 5000)
except OutputError as error:
    print(error)
else:
    sys.exit("no error")
"""


def test_new_content_replaces_old_and_missing_folders_are_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "result.bin"
    assert write_bytes(path, b"old") == path
    write_bytes(path, b"new")
    assert path.read_bytes() == b"new"
    assert [each.name for each in path.parent.iterdir()] == ["result.bin"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on file sizes to play a full disk")
def test_a_full_disk_is_an_error_that_keeps_the_old_file_and_leaves_no_part(tmp_path: Path) -> None:
    path = tmp_path / "result.bin"
    path.write_bytes(b"old")
    command = [sys.executable, "-c", FULL_DISK, str(path)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "could not be written" in ran.stdout and "result.bin" in ran.stdout
    assert path.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["result.bin"]


def test_a_folder_in_the_way_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "result").mkdir()
    with pytest.raises(OutputError, match="result: could not be written"):
        write_bytes(tmp_path / "result", b"x")
    assert [each.name for each in tmp_path.iterdir()] == ["result"]


def test_json_is_utf8_and_never_holds_what_json_has_not(tmp_path: Path) -> None:
    path = write_json(tmp_path / "x.json", {"name": "größe", "value": 0.1})
    assert json.loads(path.read_text(encoding="utf-8")) == {"name": "größe", "value": 0.1}
    with pytest.raises(ValueError):
        write_json(path, float("nan"))
    assert json.loads(path.read_text(encoding="utf-8"))["value"] == 0.1


def test_what_stands_there_is_kept_where_it_may_not_be_replaced(tmp_path: Path) -> None:
    path = tmp_path / "result.bin"
    write_bytes(path, b"old", replace=False)
    for name in ("result.bin", "nowhere/../result.bin"):  # the second is not there until its folder is made
        with pytest.raises(OutputError, match=r"there is a file already.*--overwrite"):
            write_bytes(tmp_path / name, b"new", replace=False)
    assert path.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["result.bin"]


def test_where_there_are_no_links_what_stands_there_is_kept_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    path = write_bytes(tmp_path / "result.bin", b"old", replace=False)
    with pytest.raises(OutputError, match="there is a file already"):
        write_bytes(path, b"new", replace=False)
    assert path.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["result.bin"]


@pytest.mark.parametrize("links", [True, False])
@pytest.mark.parametrize("step", ["link", "replace", "fsync"])
@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), KeyboardInterrupt()])
def test_what_stops_the_last_step_leaves_nothing_behind(
    links: bool, step: str, error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    def stop(*_: object) -> None:
        raise error

    if not links:
        monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr(os, step, stop)
    for replace in (False, True):
        folder = tmp_path / str(replace)
        with contextlib.suppress(OutputError, KeyboardInterrupt):
            write_bytes(folder / "result.bin", b"new", replace=replace)
        left = {each.name: each.read_bytes() for each in folder.iterdir()}
        assert left in ({}, {"result.bin": b"new"})


def test_where_modes_cannot_be_set_files_are_replaced_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    path = write_bytes(tmp_path / "result.bin", b"old")
    monkeypatch.setattr(os, "chmod", refuse)
    write_bytes(path, b"new")
    assert path.read_bytes() == b"new"
    assert [each.name for each in tmp_path.iterdir()] == ["result.bin"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs modes of files")
def test_a_new_file_has_the_mode_that_the_umask_allows_and_a_replaced_one_keeps_its_own(
    tmp_path: Path,
) -> None:
    script = "import os, sys; os.umask(0o{}); from edge_iqa.files import write_bytes; write_bytes(sys.argv[1], b'x')"
    for umask, expected in (("077", 0o600), ("002", 0o664), ("022", 0o644)):
        path = tmp_path / umask
        subprocess.run([sys.executable, "-c", script.format(umask), str(path)], cwd=ROOT, check=True)
        assert stat.S_IMODE(path.stat().st_mode) == expected
    path.chmod(0o640)
    write_bytes(path, b"new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640 and path.read_bytes() == b"new"


def test_what_cannot_be_written_for_another_reason_than_space_does_not_ask_for_space(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "file" / "result.bin", tmp_path / "folder", tmp_path / "a\0b"):
        with pytest.raises(OutputError, match="could not be written") as caught:
            write_bytes(path, b"x")
        assert "space" not in str(caught.value)
