"""`latency.py --remote`: through a real sshd, with keys of its own, on 127.0.0.1."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from benchmarks import devices, latency, latency_file
from benchmarks.remote import wheel
from benchmarks.remote.python_there import find_python
from benchmarks.remote.ssh import RemoteError, Ssh
from benchmarks.system import System
from tests.benchmarks.sshd import NAME, Server, find_sshd, make_key, serve
from tests.benchmarks.watched import Watched

needs_sshd = pytest.mark.skipif(
    find_sshd() is None or not Path("/proc").is_dir(), reason="no sshd here: `apt install openssh-server`"
)
DEVICES = devices.read_devices()
SCRIPT = Path(latency.__file__)
VALID_OR_NOT = (0, latency_file.INVALID)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three photos of 300 x 240, one with a name that shells and tar stumble over."""
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(5)
    paths = []
    for name in ("mug.png", 'left shoe\'s "ü" $HOME.jpg', "third"):
        pixels = cv2.GaussianBlur(rng.integers(0, 255, (240, 300, 3), np.uint8), (0, 0), 3)
        paths.append(folder / name)
        paths[-1].write_bytes(cv2.imencode(".png", pixels)[1].tobytes())
    return paths


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkout's wheel, built once."""
    made = wheel.get_wheel(None)
    path = tmp_path_factory.mktemp("wheel") / made.name
    path.write_bytes(made.data)
    return path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serve(tmp_path_factory.mktemp("sshd")) as running:
        yield running


def arguments(server: Server, built: Path, *more: object, python: str = sys.executable) -> list[str]:
    base = ["--remote", NAME, "--ssh-config", server.config, "--remote-python", python, "--wheel", built]
    return [*map(str, (*base, *more))]


def read_one(folder: Path) -> tuple[str, dict[str, Any]]:
    (path,) = folder.glob("*.json")
    return path.name, json.loads(path.read_text())


def shape(value: Any) -> Any:
    """Keys and types, without what the machine's load decides (reasons, samples, warnings, numbers or none)."""
    if isinstance(value, dict):
        return {
            key: shape(each) for key, each in value.items() if key not in ("invalid", "samples", "warnings")
        }
    if isinstance(value, list):
        return [shape(each) for each in value]
    return (
        "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__
    )


@needs_sshd
def test_a_run_through_ssh_brings_back_what_a_run_here_writes_and_leaves_nothing_there(
    server: Server, built: Path, photos: list[Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    options = [
        "--scenario",
        "none",
        "--no-footprint",
        "--opencv-threads",
        1,
        "--repeats",
        6,
        "--threads",
        1,
        "--backend",
        "litert",
        "--photos",
        *photos[:2],
    ]
    code = latency.main(arguments(server, built, *options, "--out", tmp_path / "there"))
    said = capfd.readouterr()
    assert code in VALID_OR_NOT, said.err
    assert server.leftovers() == []
    name, there = read_one(tmp_path / "there")
    assert name.startswith("latency-host-remote"), "the figures of this host are another file"
    assert latency.main([*map(str, options), "--out", str(tmp_path / "here")]) in VALID_OR_NOT
    here = read_one(tmp_path / "here")[1]
    assert shape(there) == shape(here)
    assert [photo["sha256"] for photo in there["photos"]] == [photo["sha256"] for photo in here["photos"]]
    assert [photo["name"] for photo in there["photos"]] == [path.name for path in photos[:2]]
    assert there["versions"]["edge_iqa_from"] == "installed package", "the wheel that was sent"
    assert there["settings"]["repeats"] == 6
    assert f"{NAME}" not in json.dumps(there) and str(server.home) not in json.dumps(there)
    assert "litert int8" in said.out


def wait_until_clean(server: Server) -> None:
    """What runs there notices within about a second that nobody listens any more."""
    for _ in range(100):
        if server.leftovers() == []:
            return
        time.sleep(0.1)
    pytest.fail(f"left there: {server.leftovers()}")


def check_partial(name: str, result: dict[str, Any]) -> None:
    assert name.endswith("-partial.json")
    assert (result["partial"], result["valid"]) == (True, False)
    assert result["invalid"][0]["code"] == "dropped"
    assert f"after {len(result['photos'])} of 3 photos" in result["invalid"][0]["measured"]
    assert 1 <= len(result["photos"]) < 3
    assert {entry["photo"] for entry in result["results"]} == {photo["name"] for photo in result["photos"]}


@needs_sshd
def test_a_link_cut_in_mid_run_keeps_the_photos_done_marked_as_partial(
    server: Server, built: Path, photos: list[Path], tmp_path: Path
) -> None:
    options = [
        "--scenario",
        "none",
        "--no-footprint",
        "--repeats",
        20,
        "--tries",
        1,
        "--backend",
        "litert",
        "--photos",
        *photos,
        "--out",
        tmp_path,
    ]
    run = Watched(*arguments(server, built, *options))
    run.wait_for("(2 of 3): round")
    server.cut()
    out = run.finish()
    assert run.process.returncode == 1, run.said
    check_partial(*read_one(tmp_path))
    assert "the link dropped; what was measured until then is kept" in run.said
    assert "INVALID: the run was cut off (dropped): the run ended after" in out
    wait_until_clean(server)


def test_ctrl_c_in_a_run_here_keeps_the_photos_done_marked_as_partial(
    photos: list[Path], tmp_path: Path
) -> None:
    options = [
        "--scenario",
        "none",
        "--no-footprint",
        "--repeats",
        40,
        "--tries",
        1,
        "--backend",
        "litert",
        "--photos",
        *photos,
        "--out",
        tmp_path,
    ]
    run = Watched(*map(str, options))
    run.wait_for("(2 of 3): round")
    run.process.send_signal(signal.SIGINT)
    run.finish()
    assert run.process.returncode == 130, run.said
    check_partial(*read_one(tmp_path))


@needs_sshd
def test_ctrl_c_before_the_first_photo_keeps_nothing_and_cleans_up_there(
    server: Server, built: Path, photos: list[Path], tmp_path: Path
) -> None:
    options = [
        "--scenario",
        "none",
        "--no-footprint",
        "--repeats",
        400,
        "--tries",
        1,
        "--backend",
        "litert",
        "--photos",
        photos[0],
        "--out",
        tmp_path,
    ]
    run = Watched(*arguments(server, built, *options))
    run.wait_for("(1 of 1): round")
    run.process.send_signal(signal.SIGINT)
    run.finish()
    assert run.process.returncode == 130, run.said
    assert "stopped; nothing was written" in run.said
    assert list(tmp_path.iterdir()) == []
    wait_until_clean(server)


@needs_sshd
def test_a_remote_that_is_not_the_device_asked_for_says_so_itself(
    server: Server, built: Path, photos: list[Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    if devices.find("jetson", DEVICES, System()) is not None:
        pytest.skip("this machine is a jetson")
    options = ["--device", "jetson", "--photos", photos[0], "--out", tmp_path]
    assert latency.main(arguments(server, built, *options)) == 3
    assert f"[{NAME}] This machine is not a jetson: looked for" in capfd.readouterr().err
    assert list(tmp_path.iterdir()) == [] and server.leftovers() == []


@needs_sshd
@pytest.mark.parametrize("known", ["another key", "no key"])
def test_a_host_whose_key_is_not_the_known_one_is_refused_and_gets_nothing(
    known: str,
    server: Server,
    built: Path,
    photos: list[Path],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    hosts, config = tmp_path / "known_hosts", tmp_path / "config"
    hosts.write_text("")
    if known == "another key":
        key = make_key(tmp_path / "other").with_suffix(".pub").read_text()
        hosts.write_text(f"{server.known_hosts.read_text().split()[0]} {key}")
    config.write_text(server.config.read_text().replace(str(server.known_hosts), str(hosts)))
    options = ["--ssh-config", config, "--photos", photos[0], "--out", tmp_path / "out"]
    before = hosts.read_text()
    assert latency.main(arguments(server, built, *options)) == 1
    said = capfd.readouterr().err
    assert said.startswith(f"latency.py: {NAME}: could not be reached (Host key verification failed")
    assert ("ssh-keygen -R" if known == "another key" else "accept it") in said
    assert hosts.read_text() == before, "a new key is not taken over"
    assert server.leftovers() == [] and not list((tmp_path / "out").iterdir())


@needs_sshd
def test_a_python_there_without_a_runtime_is_told_with_both_ways_on(
    server: Server, built: Path, photos: list[Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", bare], check=True)
    python = str(bare / "bin" / "python")
    options = ["--photos", photos[0], "--out", tmp_path / "out"]
    assert latency.main(arguments(server, built, *options, python=python)) == 1
    said = capfd.readouterr().err
    assert "lacks numpy, opencv-python-headless" in said and "ai-edge-litert" in said
    assert "-m pip install" in said and "leave out --remote-python" in said
    assert server.leftovers() == []


@needs_sshd
@pytest.mark.parametrize("python", ["/no/such/python", "/bin/echo", "/bin/sh; touch {tmp}/planted"])
def test_what_is_no_python_is_told_and_never_run_as_a_command(
    python: str, server: Server, tmp_path: Path
) -> None:
    with pytest.raises(RemoteError, match=r"needs Python 3\.10 to 3\.13 at .*, found none"):
        find_python(Ssh(NAME, server.config), python.format(tmp=tmp_path))
    assert not (tmp_path / "planted").exists()


LIAR = """#!{python} -ES
import json, sys
def say(value):
    sys.stdout.write("\\x1e" + json.dumps(value) + "\\n")
if sys.argv[1] == "-c":
    has = ["numpy", "cv2", "onnxruntime"]
    print("edge-iqa-bench " + json.dumps({{"path": {path!r}, "version": [3, 11], "has": has}}))
elif sys.argv[1] != "-m":
    print("\\x1b]0;owned\\x07")
    sys.stderr.write("\\x1b[2Jall is well\\n" + "x" * 100000 + "\\n")
    say({{"record": "progress", "task": "\\x1b[2J", "done": 0, "rounds": 0}})
    say({{"record": "progress", "task": "\\x1b[2J", "done": 1, "rounds": -1}})
    say({{"record": "progress", "task": ["\\x1b[2J"], "done": 1, "rounds": 9}})
    say(["record"])
    {lie}
    say({{"record": "end"}})
"""


@needs_sshd
@pytest.mark.parametrize(
    ("lie", "said"),
    [
        ("pass", "nothing was measured"),
        ("say({'record': 'result', 'asked': 1, 'result': 7})", "no result of the kind"),
        (
            "say({'record': 'result', 'asked': 1, 'result': {'kind': 'latency', 'schema': -1}})",
            "another schema",
        ),
        ("sys.stdout.write('\\x1e{\\n')", "what came back is no result"),
        ("say({'record': 'result', 'asked': 1, 'result': float('nan')})", "what came back is no result"),
        ("sys.exit(255)", "nothing was measured"),
    ],
)
def test_a_remote_that_lies_gets_nothing_written_and_no_word_to_the_terminal(
    lie: str, said: str, server: Server, built: Path, photos: list[Path], tmp_path: Path
) -> None:
    liar = tmp_path / "python"
    liar.write_text(LIAR.format(python=sys.executable, path=str(liar), lie=lie))
    liar.chmod(0o755)
    options = ["--photos", photos[0], "--out", tmp_path / "out"]
    run = Watched(*arguments(server, built, *options, python=str(liar)))
    out = run.finish()
    assert run.process.returncode == 1, run.said
    assert said in run.said
    # a record that is none ends it at once, maybe before the other stream has come
    assert "all is well" in run.said or said == "what came back is no result"
    shown = run.said.replace("\r\x1b[K", "")  # what our own progress clears its line with
    assert "\x1b" not in out + shown
    assert "\x07" not in out + shown
    assert len(shown) < 20_000, "a line of 100,000 letters is cut"
    assert not list((tmp_path / "out").iterdir())
    wait_until_clean(server)


@pytest.mark.parametrize(
    "host", ["-oProxyCommand=touch planted", "user@-oProxyCommand=x", "two words", "", "a\nb", "$x"]
)
def test_a_host_that_ssh_would_take_for_an_option_is_refused(
    host: str, photos: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [f"--remote={host}", "--photos", str(photos[0]), "--out", str(tmp_path / "out")]
    assert latency.main(options) == 1
    assert "expected user@host" in capsys.readouterr().err


def test_a_host_that_is_not_there_is_told_with_what_to_do(
    photos: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config"
    config.write_text("Host nowhere\n  HostName 127.0.0.1\n  Port 1\n")
    options = [
        "--remote",
        "nowhere",
        "--ssh-config",
        config,
        "--photos",
        photos[0],
        "--out",
        tmp_path / "out",
    ]
    assert latency.main([*map(str, options)]) == 1
    said = capsys.readouterr().err
    assert "could not be reached" in said and "is sshd running" in said and said.count("\n") == 1


def test_a_wheel_packed_from_what_is_installed_is_the_wheel_that_was_installed(
    built: Path, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    with zipfile.ZipFile(built) as archive:
        archive.extractall(site)
    code = "import sys; from benchmarks.remote.wheel import get_wheel as g; sys.stdout.buffer.write(g(None).data)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(site), str(SCRIPT.parents[1])])},
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    again = tmp_path / built.name
    again.write_bytes(done.stdout)
    other = tmp_path / "other"
    install = ["-m", "pip", "install", "-q", "--no-deps", "--no-compile", "--target"]
    subprocess.run([sys.executable, *install, other, again], check=True)

    def read(folder: Path) -> dict[str, bytes]:
        files = (folder / "edge_iqa").rglob("*")
        return {
            str(path.relative_to(folder)): path.read_bytes()
            for path in files
            if path.is_file() and path.suffix != ".pyc"
        }

    assert read(other) == read(site)
