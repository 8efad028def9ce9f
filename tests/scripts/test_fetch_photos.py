"""The training set can be fetched, resumed and checked: against a server on this machine."""

from __future__ import annotations

import csv
import hashlib
import http.server
import importlib.util
import io
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
CLOTHING, GROCERY, HOUSEHOLD = (
    "alexeygrigorev/clothing-dataset",
    "marcusklasson/GroceryStoreDataset",
    "garythung/trashnet",
)
SHIRT, KIWI, OTHER_KIWI, GLASS = (b"\xff\xd8" + name for name in (b"shirt", b"kiwi", b"other kiwi", b"glass"))


def load_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fetch_photos", ROOT / "scripts" / "fetch_photos.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["fetch_photos"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


fetch_photos = load_script()


class Server:
    """Public files by path; counts what is asked for."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append(self.path)
                data = server.files.get(self.path)
                self.send_response(404 if data is None else 200)
                self.end_headers()
                self.wfile.write(data or b"")

            def log_message(self, *_: object) -> None:
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"

    def publish(self, repository: str, path: str, data: bytes) -> None:
        self.files[f"/{repository}/raw/{fetch_photos.SOURCES[repository].ref}/{path}"] = data


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    server.publish(CLOTHING, "images/shirt.jpg", SHIRT)
    server.publish(GROCERY, "dataset/train/Fruit/Kiwi/Kiwi_001.jpg", OTHER_KIWI)
    server.publish(GROCERY, "dataset/test/Fruit/Kiwi/Kiwi_001.jpg", KIWI)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("dataset-resized/glass/glass1.jpg", GLASS)
        made.writestr("dataset-resized/glass/glass2.jpg", GLASS + b"2")
    server.publish(HOUSEHOLD, "data/dataset-resized.zip", archive.getvalue())
    thread = threading.Thread(target=server.http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.http.shutdown()
    thread.join()
    server.http.server_close()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


KIWIS = "dataset/{train,val,test}/Fruit/Kiwi/Kiwi_001.jpg"
GLASSES = "data/dataset-resized.zip!/dataset-resized/glass"
GOOD = (
    (CLOTHING, "images/shirt.jpg", sha256(SHIRT), "Shirt", "48", "train", "CC0-1.0", "clothing"),
    (GROCERY, KIWIS, sha256(KIWI), "Fruit", "Kiwi", "val", "MIT", "grocery"),
    (HOUSEHOLD, f"{GLASSES}/glass1.jpg", sha256(b"ours"), "glass", "glass1", "test", "MIT", "household"),
    (HOUSEHOLD, f"{GLASSES}/glass2.jpg", sha256(b"ours too"), "glass", "glass2", "train", "MIT", "household"),
)


def write_list(folder: Path, rows: tuple[tuple[str, ...], ...] = GOOD) -> Path:
    path = folder / "list.csv"
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([fetch_photos.COLUMNS, *rows])
    return path


def fetch(folder: Path, server: Server, *more: str, rows: tuple[tuple[str, ...], ...] = GOOD) -> int:
    listed = write_list(folder, rows)
    return fetch_photos.main(
        ["--out", str(folder / "out"), "--list", str(listed), "--base-url", server.url, *more]
    )


def test_every_photo_arrives_and_the_table_says_which_are_as_trained(tmp_path, server):
    assert fetch(tmp_path, server) == 0
    out = tmp_path / "out"
    assert (out / "photos/clothing/shirt.jpg").read_bytes() == SHIRT
    assert (out / "photos/grocery/Kiwi_001.jpg").read_bytes() == KIWI, "the hash picks the folder"
    assert (out / "photos/household/glass1.jpg").read_bytes() == GLASS
    with (out / "photos.csv").open() as stream:
        rows = {row["path"]: row for row in csv.DictReader(stream)}
    assert rows["photos/clothing/shirt.jpg"]["as_trained"] == "yes"
    assert rows["photos/grocery/Kiwi_001.jpg"]["split"] == "val"
    assert rows["photos/household/glass1.jpg"]["as_trained"] == "no"


def test_a_second_run_asks_for_nothing_again(tmp_path, server):
    fetch(tmp_path, server)
    server.asked.clear()
    assert fetch(tmp_path, server) == 0
    assert server.asked == []


def test_the_archive_is_fetched_once_for_all_its_photos(tmp_path, server):
    fetch(tmp_path, server)
    assert sum(path.endswith(".zip") for path in server.asked) == 1


def test_a_damaged_photo_is_fetched_anew(tmp_path, server):
    fetch(tmp_path, server)
    photo = tmp_path / "out/photos/clothing/shirt.jpg"
    photo.write_bytes(SHIRT[:4])
    assert fetch(tmp_path, server) == 0
    assert photo.read_bytes() == SHIRT


def test_a_changed_photo_is_refused_by_name_and_the_rest_is_done(tmp_path, server, capsys):
    server.publish(CLOTHING, "images/shirt.jpg", SHIRT + b"?")
    assert fetch(tmp_path, server) == 1
    assert "images/shirt.jpg: has changed" in capsys.readouterr().err
    assert not (tmp_path / "out/photos/clothing/shirt.jpg").exists()
    assert (tmp_path / "out/photos/grocery/Kiwi_001.jpg").exists()
    assert "shirt" not in (tmp_path / "out/photos.csv").read_text()


def test_keep_changed_keeps_it_and_says_no(tmp_path, server):
    server.publish(CLOTHING, "images/shirt.jpg", SHIRT + b"?")
    assert fetch(tmp_path, server, "--keep-changed") == 0
    assert "shirt.jpg,clothing,Shirt,48,train,CC0-1.0,no" in (tmp_path / "out/photos.csv").read_text()


def test_an_error_page_is_never_kept_as_a_photo(tmp_path, server, capsys):
    server.publish(CLOTHING, "images/shirt.jpg", b"<html>sorry</html>")
    assert fetch(tmp_path, server, "--keep-changed") == 1
    assert "something else than a JPEG" in capsys.readouterr().err


def test_a_photo_that_is_gone_is_named(tmp_path, server, capsys):
    server.files.clear()
    assert fetch(tmp_path, server) == 1
    errors = capsys.readouterr().err
    assert "images/shirt.jpg: no longer in alexeygrigorev/clothing-dataset" in errors
    assert "data/dataset-resized.zip" in errors


@pytest.mark.parametrize(
    ("column", "value"),
    [
        (1, "../../outside.jpg"),
        (1, "/etc/passwd"),
        (1, "images/..\\outside.jpg"),
        (1, "images/.hidden.jpg"),
        (1, "data/dataset-resized.zip!/../outside.jpg"),
        (7, "../clothing"),
        (0, "somebody/else"),
        (2, "not a hash"),
    ],
)
def test_a_list_that_leads_elsewhere_is_refused_before_anything_is_fetched(tmp_path, server, column, value):
    row = list(GOOD[0])
    row[column] = value
    assert fetch(tmp_path, server, rows=(tuple(row), *GOOD[1:])) == 2
    assert server.asked == []
    assert not (tmp_path / "out").exists()


def test_a_link_out_of_the_folder_is_not_followed(tmp_path, server, capsys):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "out/photos").mkdir(parents=True)
    (tmp_path / "out/photos/clothing").symlink_to(elsewhere)
    assert fetch(tmp_path, server) == 1
    assert "a link leads out of" in capsys.readouterr().err
    assert list(elsewhere.iterdir()) == []


def test_a_dry_run_says_what_and_how_much_and_fetches_nothing(tmp_path, server, capsys):
    assert fetch(tmp_path, server, "--dry-run") == 0
    shown = capsys.readouterr().out
    assert "2 photos from github.com/garythung/trashnet, about 43 MB" in shown
    assert server.asked == []


def test_one_source_can_be_fetched_alone(tmp_path, server):
    assert fetch(tmp_path, server, "--source", "clothing") == 0
    assert [path.name for path in (tmp_path / "out/photos").iterdir()] == ["clothing"]
    assert fetch(tmp_path, server, "--source", "shoes") == 2


def test_the_committed_list_is_sound_and_without_repeats():
    photos = fetch_photos.read_list(fetch_photos.LIST)
    assert len({photo.path for photo in photos}) == len(photos) > 3000
    assert {photo.split for photo in photos} == {"train", "val", "test"}
    splits: dict[tuple[str, str], set[str]] = {}
    for photo in photos:
        splits.setdefault((photo.source, photo.group), set()).add(photo.split)
    assert all(len(split) == 1 for split in splits.values()), "a group must not lie in two splits"
