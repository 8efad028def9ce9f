"""Very many photos: every one has its row, whatever dies meanwhile, and none has two."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge_iqa import Inspector, cli

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "photos"
PROGRAM = (sys.executable, "-m", "edge_iqa", "batch")
_LONG_S = 120

needs_proc = pytest.mark.skipif(
    not Path("/proc/self/task").is_dir(), reason="needs Linux's list of processes"
)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve small photos, and two files that are none."""
    folder = tmp_path_factory.mktemp("photos")
    for number in range(12):
        shutil.copy(EXAMPLES / ("coffee.jpg", "coffee-dark.jpg")[number % 2], folder / f"{number:02}.jpg")
    (folder / "empty.jpg").touch()
    (folder / "text.png").write_text("no photo")
    return folder


@pytest.fixture(scope="module")
def expected(photos: Path) -> dict[str, dict[str, Any]]:
    """What `inspect` says of each."""
    paths = sorted(str(path) for path in photos.iterdir())
    with Inspector.open() as inspector:
        return {
            path: strip(result.to_dict())
            for path, result in zip(paths, inspector.inspect_many(paths), strict=True)
        }


def strip(row: dict[str, Any]) -> dict[str, Any]:
    """But for what no two runs have in common."""
    return {name: value for name, value in row.items() if name != "timing_ms"}


def read(out: Path) -> dict[str, dict[str, Any]]:
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert len(rows) == len({row["file"] for row in rows}), "no photo twice"
    return {row["file"]: strip(row) for row in rows}


def test_rows_are_what_inspect_says_in_the_order_of_the_paths(
    photos: Path, expected: dict[str, dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "all.jsonl"
    assert cli.main(["batch", str(photos), "-o", str(out), "--jobs", "2"]) == 3, "two could not be read"
    assert read(out) == expected and list(read(out)) == list(expected)
    assert "14 photos: 6 accept, 2 error, 6 fix" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["all.jsonl"], "the journal is gone"


def test_tables_hold_the_same_and_a_name_is_no_formula(photos: Path, tmp_path: Path, monkeypatch) -> None:
    shutil.copy(photos / "00.jpg", tmp_path / "=1+1.jpg")
    monkeypatch.chdir(tmp_path)
    given = ["=1+1.jpg", str(photos / "01.jpg"), "@gone.jpg", "=1+1.jpg"]
    assert cli.main(["batch", *given, "-o", "t.csv", "--jobs", "1"]) == 3
    with open("t.csv", newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["file"] for row in rows] == ["./=1+1.jpg", given[1], "./@gone.jpg"]
    assert [row["verdict"] for row in rows] == ["accept", "fix", ""]
    assert rows[1]["causes"] == "TOO_DARK" and rows[2]["error"] == "PhotoError"
    assert rows[2]["error_message"].startswith("./@gone.jpg: ")
    assert float(rows[0]["score"]) > float(rows[1]["score"])
    parquet = pytest.importorskip("pyarrow.parquet")
    assert cli.main(["batch", *given, "-o", "t.parquet", "--jobs", "1"]) == 3
    table = parquet.read_table("t.parquet").to_pylist()
    assert [row["file"] for row in table] == given[:3], "no spreadsheet reads these"
    assert [row["score"] for row in table] == [pytest.approx(float(row["score"])) for row in rows[:2]] + [
        None
    ]
    assert table[0].keys() == rows[0].keys()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_names_of_any_bytes_have_their_row_in_every_format(photos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in (b"caf\xe9.jpg", b"two\nlines.jpg", b'a,"b".jpg'):
        shutil.copy(photos / "00.jpg", os.path.join(os.fsencode(folder), name))
    expected = ['a,"b".jpg', "caf\ufffd.jpg", "two\nlines.jpg"]
    for out in (tmp_path / "t.jsonl", tmp_path / "t.csv"):
        assert cli.main(["batch", str(folder), "-o", str(out), "--jobs", "1"]) == 0
    with open(tmp_path / "t.csv", newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [os.path.basename(row["file"]) for row in rows] == expected
    assert [os.path.basename(name) for name in read(tmp_path / "t.jsonl")] == expected


def test_folders_in_folders_are_looked_through_where_asked(photos: Path, tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (inner / "round").symlink_to(tmp_path)
    shutil.copy(photos / "00.jpg", inner)
    shutil.copy(photos / "00.jpg", tmp_path / "z.jpg")
    out = tmp_path / "out.jsonl"
    assert cli.main(["batch", str(tmp_path), "-o", str(out), "--jobs", "1", "--recursive"]) == 0
    assert list(read(out)) == [str(tmp_path / "z.jpg"), str(inner / "00.jpg")]


def test_what_stands_there_is_kept_unless_it_may_go(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, part = tmp_path / "x.jsonl", tmp_path / "x.jsonl.part"
    told = ["batch", str(photos / "00.jpg"), "-o", str(out), "--jobs", "1"]
    out.write_text("precious")
    for more in ([], ["--resume"], ["--resume", "--overwrite"]):
        assert cli.main([*told, *more]) == 2 and out.read_text() == "precious"
    part.write_text("somebody else's")
    capsys.readouterr()
    assert cli.main([*told, "--resume"]) == 2 and "another file" in capsys.readouterr().err
    assert cli.main(told) == 2 and part.read_text() == "somebody else's"
    assert cli.main([*told, "--overwrite"]) == 0 and len(read(out)) == 1 and not part.exists()
    for name in ("x.txt", "x"):
        assert cli.main([*told[:-4], "-o", str(tmp_path / name)]) == 2
        assert "expected a name that ends in .jsonl, .csv, .parquet" in capsys.readouterr().err


@needs_proc
@pytest.mark.parametrize("rows", [0, 5])
def test_a_killed_run_goes_on_where_it_stopped(
    photos: Path, expected: dict[str, dict[str, Any]], tmp_path: Path, rows: int
) -> None:
    out = tmp_path / "x.jsonl"
    part = tmp_path / "x.jsonl.part"
    run = begin(photos, out)
    wait_until(lambda: part.exists() and part.read_bytes().count(b"\n") > rows, run)
    children = list_children(run.pid)
    run.kill()
    run.wait(_LONG_S)
    wait_until(lambda: not any(Path(f"/proc/{child}").exists() for child in children))
    kept = part.read_bytes().count(b"\n") - 1
    assert not out.exists() and kept >= rows
    (photos / "00.jpg").touch()  # another photo, as far as anybody knows
    assert cli.main(["batch", str(photos), "-o", str(out), "--resume", "--lang", "zh"]) == 2, (
        "begun in English"
    )
    assert cli.main(["batch", str(photos), "-o", str(out), "--resume", "--jobs", "1"]) == 3
    assert read(out) == expected and not part.exists()


@needs_proc
def test_processes_that_die_take_no_other_photo_along(
    photos: Path, expected: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    out = tmp_path / "x.jsonl"
    part = tmp_path / "x.jsonl.part"
    run = begin(photos, out)

    def kill_until_a_photo_is_given_up() -> bool:
        if part.exists() and b"CrashedError" in part.read_bytes():
            return True
        for child in list_children(run.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        return False

    wait_until(kill_until_a_photo_is_given_up, run)
    assert run.wait(_LONG_S) == 3
    found = read(out)
    lost = {path for path, row in found.items() if row.get("error", {}).get("type") == "CrashedError"}
    assert found.keys() == expected.keys() and 0 < len(lost) < len(found)
    assert {path: row for path, row in found.items() if path not in lost} == {
        path: row for path, row in expected.items() if path not in lost
    }


@needs_proc
def test_a_run_that_is_interrupted_says_how_to_go_on(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "x.jsonl"
    part = tmp_path / "x.jsonl.part"
    run = begin(photos, out)
    wait_until(lambda: part.exists() and part.read_bytes().count(b"\n") > 1, run)
    # one run at a time
    assert cli.main(["batch", str(photos), "-o", str(out), "--resume"]) == 2
    run.send_signal(signal.SIGINT)
    _, told = run.communicate(timeout=_LONG_S)
    assert run.returncode == 130 and b"go on with --resume" in told and b"Traceback" not in told
    assert part.exists() and not out.exists()


def begin(photos: Path, out: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*PROGRAM, str(photos), "-o", str(out), "--jobs", "1"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        preexec_fn=hear_interrupts,
    )


def hear_interrupts() -> None:
    """What a shell begins in the background ignores them, and so does all that it begins."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def list_children(pid: int) -> list[int]:
    """Processes that judge; not the one that multiprocessing keeps for itself."""
    with contextlib.suppress(OSError):
        found = [
            int(name)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for name in (task / "children").read_text().split()
        ]
        return [child for child in found if b"spawn_main" in read_command(child)]
    return []


def read_command(pid: int) -> bytes:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def wait_until(holds: Callable[[], bool], run: subprocess.Popen[bytes] | None = None) -> None:
    until_s = time.monotonic() + _LONG_S
    while not holds():
        assert run is None or run.poll() is None, "the run ended too early"
        assert time.monotonic() < until_s
        time.sleep(0.005)
