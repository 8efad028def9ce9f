"""Parts of `latency.py --remote` that need no ssh: options, parcel, records, and what is made of a result that came."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from benchmarks import devices, latency, latency_file, latency_record
from benchmarks.keeper import Streamer
from benchmarks.latency_options import EXAMPLES
from benchmarks.photos import Photo
from benchmarks.remote import parcel, received, wheel
from benchmarks.remote.options import pass_on
from benchmarks.remote.python_there import Python
from benchmarks.remote.records import RecordReader
from benchmarks.remote.ssh import RemoteError
from edge_iqa.bundle import Bundle
from edge_iqa.errors import DataError

DEVICES = devices.read_devices()
SCRIPT = Path(latency.__file__)
PHOTO = EXAMPLES / "clock-moved.jpg"
VALID_OR_NOT = (0, latency_file.INVALID)


def test_options_go_on_as_they_were_typed_but_those_of_this_side() -> None:
    typed = (
        "--remote a@b --device jetson --photos x y --profile rapid --threads 2 --out z --backend=litert --bundle b "
        "--ssh-config c --remote-python p --wheel w --opencv-threads 1 --repeats 7 --stream"
    )
    passed = "--device jetson --profile rapid --threads 2 --backend=litert --opencv-threads 1 --repeats 7"
    assert pass_on(typed.split()) == passed.split()


@pytest.mark.parametrize(
    "typed", ["--ssh-config c", "--remote-python p", "--wheel w", "--remote a@b --stream", "--rem a@b"]
)
def test_an_option_that_would_do_nothing_is_wrong_usage(
    typed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        latency.main(typed.split())
    assert stopped.value.code == 2
    assert (
        typed.split()[-2 if "a@b" in typed[-3:] else -1 if "stream" in typed else 0]
        in capsys.readouterr().err
    )


def test_every_option_is_passed_on_or_known_to_concern_this_side(capsys: pytest.CaptureFixture[str]) -> None:
    """A new option of `latency.py` goes on by itself; of those there are, only these concern this side."""
    here = {"--remote", "--ssh-config", "--remote-python", "--wheel", "--stream", "--out", "--bundle", "--photos",
            "--megapixels"}  # fmt: skip
    with pytest.raises(SystemExit):
        latency.main(["--help"])
    options = set(re.findall(r"^ +(--[a-z][a-z-]+)", capsys.readouterr().out, re.MULTILINE))
    assert {option for option in options if option not in pass_on([option, "1"])} == here
    assert pass_on(["--new-one", "7", "--flag"]) == ["--new-one", "7", "--flag"]


def test_the_parcel_holds_what_was_measured_here_and_its_script_survives_any_name() -> None:
    sent = [Photo("shop/a b'c.jpg", b"1"), Photo("x/a.png (2)", b"2"), Photo("third", b"3")]
    bundle, made = Bundle.open(), wheel.Wheel("edge_iqa-1-py3-none-any.whl", b"wheel")
    python = Python("/opt/my python", (3, 12), frozenset())
    script = parcel.write_script(python, made, sent, bundle, ["--policy", "$(touch planted)"], "")
    packed = io.BytesIO()
    parcel.send(packed, made, sent, bundle, script)
    packed.seek(0)
    with tarfile.open(fileobj=packed, mode="r:") as archive:
        held = {entry.name: archive.extractfile(entry).read() for entry in archive if entry.isfile()}
    assert held["run.sh"].decode() == script
    assert held["photos/00000/shop/a b'c.jpg"] == b"1" and held["photos/00001/x_a.png (2)"] == b"2"
    assert held["benchmarks/latency.py"] == SCRIPT.read_bytes() and "benchmarks/devices/jetson.toml" in held
    assert {f"bundle/{entry.path}" for entry in bundle.manifest.files} <= set(held)
    assert not any("results" in name or "__pycache__" in name for name in held)
    shown = subprocess.run(
        ["sh", "-c", script.replace('"$python"', "printf '<%s>'").replace("set -eu", "")],
        capture_output=True,
        text=True,
        check=True,
    )
    for word in (
        "--policy",
        "$(touch planted)",
        "photos/00000",
        "photos/00001/x_a.png (2)",
        "photos/00002/third",
    ):
        assert f"<{word}>" in shown.stdout


def test_a_stream_gives_its_records_however_it_is_torn_and_passes_over_what_is_between() -> None:
    stream = io.StringIO()
    streamer = Streamer(stream)
    streamer.watch("mug.jpg", 20).on_round(3)
    streamer.keep({"text": "a\nb\x1ec ü"}, 4)
    data = b"Welcome!\r\n" + stream.getvalue().replace("\n\x1e", "\nW0000 a warning\n\x1e").encode()
    expected = [
        {"record": "progress", "task": "mug.jpg", "done": 3, "rounds": 20},
        {"record": "result", "asked": 4, "result": {"text": "a\nb\x1ec ü"}},
    ]
    for step in (1, 7, len(data)):
        reader = RecordReader()
        pieces = [data[at : at + step] for at in range(0, len(data), step)]
        assert [record for piece in pieces for record in reader.feed(piece)] == expected
    reader = RecordReader()
    assert len(list(reader.feed(data[:-1]))) == 1, "a record that is cut off is none"


@pytest.mark.parametrize(
    "data", [b"\x1e{\n", b"\x1eNaN\n", b"\x1e" + b"[" * 100_000 + b"\n", b"\x1e" + b"1" * 2000]
)
def test_a_record_that_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(DataError, match="expected a record"):
        list(RecordReader(most_bytes=1000 if b"11" in data else 10**6).feed(data))


@pytest.fixture(scope="module")
def result() -> dict[str, Any]:
    """What a remote would send, taken from a run here."""
    stream = subprocess.run(
        [
            sys.executable,
            SCRIPT,
            "--stream",
            "--profile",
            "rapid",
            "--repeats",
            "6",
            "--backend",
            "litert",
            "--photos",
            PHOTO,
        ],
        capture_output=True,
        check=False,
    )
    records = list(RecordReader().feed(stream.stdout))
    assert records[-1] == {"record": "end"} and stream.returncode in VALID_OR_NOT
    return next(record["result"] for record in reversed(records) if record["record"] == "result")


def accept(value: Any, result: dict[str, Any], asked: str = "host") -> dict[str, Any]:
    hashes = {photo["sha256"] for photo in result["photos"]}
    return received.check(value, asked, DEVICES, Bundle.open().manifest_sha256, hashes)


def test_what_a_run_hands_out_is_accepted_as_it_is(result: dict[str, Any]) -> None:
    assert accept(json.loads(json.dumps(result)), result) == result


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kind": "camera"}, "no result of the kind 'latency'"),
        ({"schema": latency_record.SCHEMA + 1}, "another schema"),
        ({"device": "rpi5"}, "another device"),
        ({"device": "../../etc/x"}, "another device"),
        ({"photos": []}, "another shape"),
        ({"photos": "x"}, "photos"),
        ({"results": [{"photo": "mug.png"}]}, "photos that were not measured"),
        ({"results": [{"photo": PHOTO.name}]}, "another shape"),
        ({"settings": {}}, "another shape"),
        (
            {"valid": True, "invalid": [{"code": "hot", "what": "", "measured": "", "bound": ""}]},
            "another shape",
        ),
        (
            {"valid": False, "invalid": [{"code": "rm", "what": "", "measured": "", "bound": ""}]},
            "another shape",
        ),
        ({"bundle": {"manifest_sha256": "0"}}, "another bundle"),
        ({"notes": [json.loads("[" * 900 + "]" * 900)]}, "another shape"),
        ({"notes": [float("inf")]}, "infinite"),
    ],
)
def test_what_no_bench_sends_is_refused(changes: dict[str, Any], said: str, result: dict[str, Any]) -> None:
    with pytest.raises(RemoteError, match=said):
        accept({**result, **changes}, result)


@pytest.mark.parametrize("value", [None, 7, [], "latency"])
def test_what_is_no_result_at_all_is_refused(value: Any, result: dict[str, Any]) -> None:
    with pytest.raises(RemoteError, match="no result"):
        accept(value, result)


def test_a_kind_of_the_family_asked_for_is_accepted(result: dict[str, Any]) -> None:
    assert accept({**result, "device": "jetson-orin-nano"}, result, "jetson")["device"] == "jetson-orin-nano"


def test_no_text_of_a_remote_can_command_the_terminal(result: dict[str, Any]) -> None:
    evil = "\x1b]0;owned\x07\x1b[2J\u202e"
    told = accept({**result, "notes": [evil], "machine": {**result["machine"], "cpu": evil}}, result)
    assert told["notes"][0].isprintable() and told["machine"]["cpu"].isprintable()
