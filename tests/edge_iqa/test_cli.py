"""The command: a table for people, JSON for programs, and an exit code for scripts."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge_iqa import __version__, backends
from edge_iqa.bundle import DEFAULT
from edge_iqa.cli import main
from edge_iqa.errors import PhotoError
from edge_iqa.report import Failure, Report, Verdict
from edge_iqa.table import Layout, format_row
from edge_iqa.words import open_words

WORDS = open_words("en").causes

Run = subprocess.CompletedProcess[str]


def _run(*arguments: str, **options: Any) -> Run:
    """Run the command as a user does, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "edge_iqa", *arguments], capture_output=True, text=True, timeout=60, **options
    )


@pytest.fixture
def lenient(edit_manifest: Callable[..., Path]) -> str:
    """A bundle that accepts every photo with a score."""
    return str(edit_manifest(lambda manifest: manifest["thresholds"].update(accept=0.0, reject=0.0)))


@pytest.fixture
def strict(edit_manifest: Callable[..., Path]) -> str:
    """A bundle that accepts none."""
    return str(edit_manifest(lambda manifest: manifest["thresholds"].update(accept=1.0, reject=1.0)))


@pytest.fixture
def broken(tmp_path: Path) -> str:
    path = tmp_path / "broken.jpg"
    path.write_bytes(b"\xff\xd8\xff")
    return str(path)


@pytest.fixture
def photo(photo_paths: list[Path]) -> str:
    return str(photo_paths[0])


def _inspect(*arguments: str) -> int:
    return main(["inspect", *arguments])


def test_all_accepted_exits_0(lenient: str, photo_paths: list[Path]) -> None:
    assert _inspect("--bundle", lenient, *map(str, photo_paths)) == 0


def test_some_not_accepted_exits_1(strict: str, photo: str) -> None:
    assert _inspect("--bundle", strict, photo) == 1


def test_unreadable_photo_exits_3_and_the_rest_is_done(
    lenient: str, photo: str, broken: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _inspect("--bundle", lenient, "--json", broken, photo, "missing.jpg", photo) == 3
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["file"] for line in lines] == [broken, photo, "missing.jpg", photo]
    assert [line.get("verdict") for line in lines] == [None, "accept", None, "accept"]
    assert [set(line["error"]) for line in lines if "error" in line] == [{"type", "message"}] * 2


def test_unreadable_outranks_not_accepted(strict: str, photo: str, broken: str) -> None:
    assert _inspect("--bundle", strict, photo, broken) == 3


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["inspect"],
        ["judge", "x.jpg"],
        ["inspect", "--threads", "0", "x.jpg"],
        ["inspect", "--jobs", "many", "x.jpg"],
        ["inspect", "--backend", "tensorrt", "x.jpg"],
        ["inspect", "--colour", "x.jpg"],
        ["inspect", "--override", " ", "x.jpg"],
        ["inspect", "--json", "--details", "x.jpg"],
    ],
    ids=" ".join,
)
def test_wrong_usage_exits_2_with_a_hint(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "usage: edge-iqa" in captured.err


@pytest.mark.parametrize("command", ["inspect", "report", "fix", "doctor", "policies", "schema"])
def test_what_a_command_does_not_know_is_told_with_its_own_usage(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    needed = {"inspect": ["a.jpg"], "report": ["a.jpg", "-o", "r.html"], "fix": ["a.jpg", "-o", "b.jpg"]}
    with pytest.raises(SystemExit) as caught:
        main([command, *needed.get(command, []), "--colour"])
    assert caught.value.code == 2
    told = capsys.readouterr().err
    assert f"usage: edge-iqa {command}" in told and "unrecognized arguments: --colour" in told


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell that closes outputs")
@pytest.mark.parametrize("arguments", ["doctor", "inspect missing.jpg", "policies", "schema"])
def test_a_closed_output_is_told_without_a_traceback(arguments: str) -> None:
    command = f"{shlex.quote(sys.executable)} -m edge_iqa {arguments}"
    done = subprocess.run(["sh", "-c", f"{command} >&-"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr == "edge-iqa: expected an output to write results to, and it is closed\n"


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell that closes outputs")
def test_closed_errors_do_not_end_up_among_results() -> None:
    command = f"{shlex.quote(sys.executable)} -m edge_iqa inspect --json --policy nobody a.jpg 2>&-"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")


def test_bundle_that_is_none_exits_2_with_the_reason(
    tmp_path: Path, photo: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _inspect("--bundle", str(tmp_path / "nowhere"), photo) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("edge-iqa: ")
    assert "nowhere: expected the folder of a bundle" in captured.err


def test_json_line_has_what_programs_need(
    photo_paths: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    _inspect("--json", *map(str, photo_paths))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["file"] for line in lines] == [str(path) for path in photo_paths]
    for line in lines:
        assert {"file", "verdict", "score", "attributes", "issues"} <= set(line)
        assert line["verdict"] in {verdict.value for verdict in Verdict}
        assert 0 <= line["score"] <= 100
        for issue in line["issues"]:
            assert {"code", "severity", "message"} <= set(issue)
            assert 0 <= issue["severity"] <= 1


@pytest.mark.parametrize("name", [backends.NAMES[runtime] for runtime in backends.available()])
def test_backend_threads_and_jobs_are_taken(
    name: str, photo: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _inspect("--json", "--backend", name, "--threads", "1", "--jobs", "2", photo, photo)
    assert [json.loads(line)["backend"] for line in capsys.readouterr().out.splitlines()] == [name] * 2


def test_table_says_in_words_what_is_wrong_and_what_to_do(
    strict: str, photo_paths: list[Path], broken: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _inspect("--bundle", strict, *map(str, photo_paths), broken)
    head, *rows, summary = capsys.readouterr().out.splitlines()
    assert head.split() == ["VERDICT", "SCORE", "FILE", "WHY"]
    assert len(rows) == len(photo_paths) + 1
    for row in rows[:-1]:
        assert row.startswith(("retake ", "fix "))
        told = [said for said in WORDS.values() if said.what in row]
        assert len(told) == 1, "the first cause alone"
        assert (told[0].advice in row) is row.startswith("retake ")
        assert ("The device can try to repair it." in row) is row.startswith("fix ")
    assert rows[-1].startswith("error ")
    assert "send" in rows[-1]
    assert re.fullmatch(rf"{len(rows)} photos: (\d+ fix, )?\d+ retake, 1 error", summary)


def test_columns_stand_below_each_other(
    photo: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [tmp_path / "a.jpg", tmp_path / f"{'long' * 30}.jpg"]
    for name in names:
        shutil.copy(photo, name)
    _inspect(*map(str, names), "gone.jpg")
    head, *rows, _ = capsys.readouterr().out.splitlines()
    for column in ("SCORE", "FILE", "WHY"):
        start = head.index(column)
        assert all(row[start - 1] == " " and row[start - 2 : start].strip() == "" for row in rows)
    assert all(row[head.index("WHY")] != " " for row in rows)


def test_no_color_where_no_one_looks(photo: str) -> None:
    assert "\033" not in _run("inspect", photo).stdout


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.parametrize(
    ("variables", "colored"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]
)
def test_terminal_gets_color_unless_it_asks_not_to(
    variables: dict[str, str], colored: bool, photo: str
) -> None:
    import pty

    environment = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    reader, terminal = pty.openpty()
    command = [sys.executable, "-m", "edge_iqa", "inspect", photo]
    with subprocess.Popen(
        command, stdout=terminal, stderr=subprocess.PIPE, env={**environment, "TERM": "xterm", **variables}
    ) as process:
        os.close(terminal)
        shown = b""
        try:
            while chunk := os.read(reader, 4096):
                shown += chunk
        except OSError:  # what Linux gives at the end of a terminal
            pass
        process.communicate(timeout=60)
    os.close(reader)
    assert b"VERDICT" in shown
    assert (b"\033[3" in shown) is colored


def _failure(name: str, why: str = "no such file") -> Failure:
    return Failure(name, PhotoError(f"{name}: {why}"))


def test_file_name_cannot_control_the_terminal() -> None:
    row = format_row(_failure("\033[2Jevil\r\n\x07\udc80.jpg"), Layout.fit(["x" * 40]))
    assert row.isprintable()
    assert "evil" in row


def test_wide_letters_keep_the_columns_in_place() -> None:
    layout = Layout.fit(["写真.jpg", "photo.jpg"])
    assert layout.file_width == 9
    wide, narrow = (format_row(_failure(name), layout) for name in ("写真.jpg", "photo.jpg"))
    assert narrow.index("no such file") == wide.index("no such file") + 2  # two letters of two columns


def test_reason_wraps_below_itself_on_a_terminal() -> None:
    assert len(format_row(_failure("a.jpg"), Layout(5, wrap_width=50)).splitlines()) == 1
    lines = format_row(_failure("a.jpg", "so many words " * 5), Layout(5, wrap_width=50)).splitlines()
    assert len(lines) > 1
    assert all(line[:23].strip() == "" and line[23] != " " and len(line) <= 50 for line in lines[1:])


def test_folder_stands_for_the_photos_directly_in_it(
    photo: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "photos"
    (folder / "deeper").mkdir(parents=True)
    for name in ("b.JPG", "a.jpeg", ".hidden.jpg", "notes.txt", "deeper/c.jpg"):
        shutil.copy(photo, folder / name)
    _inspect("--json", str(folder), photo)
    files = [json.loads(line)["file"] for line in capsys.readouterr().out.splitlines()]
    assert files == [str(folder / "a.jpeg"), str(folder / "b.JPG"), photo]


def test_folder_without_photos_is_an_error_and_the_rest_is_done(
    photo: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _inspect("--json", str(tmp_path), photo) == 3
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert "no photo directly in this folder" in first["error"]["message"]
    assert "score" in second


@pytest.mark.skipif(sys.platform != "linux", reason="file names are bytes there only")
@pytest.mark.parametrize(
    "name", [b"\xff\xe9.jpg", "写真.jpg".encode()], ids=["no text", "not of this encoding"]
)
def test_any_file_name_is_read_and_shown_on_a_terminal_of_ascii(
    name: bytes, photo: str, tmp_path: Path
) -> None:
    path = os.path.join(os.fsencode(tmp_path), name)
    shutil.copy(photo, path)
    for option in ([], ["--json"]):
        done = subprocess.run(
            [sys.executable, "-m", "edge_iqa", "inspect", *option, path],
            capture_output=True,
            timeout=60,
            env={**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "ascii:strict"},
        )
        assert done.returncode in (0, 1), done.stderr
        assert b".jpg" in done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="pipes break otherwise there")
def test_reader_that_leaves_early_is_no_error(photo: str) -> None:
    command = [sys.executable, "-m", "edge_iqa", "inspect", "--json", *[photo] * 200]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read().decode()
        code = process.wait(timeout=60)
    assert code == 141
    assert "Traceback" not in said and "BrokenPipe" not in said


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_full_disk_below_the_output_is_told(photo: str) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "edge_iqa", "inspect", photo],
            stdout=full, stderr=subprocess.PIPE, text=True, timeout=60,
        )  # fmt: skip
    assert done.returncode == 2
    assert "could not be written" in done.stderr
    assert "Traceback" not in done.stderr


def test_version_is_shown() -> None:
    assert _run("--version").stdout == f"edge-iqa {__version__}\n"


def test_doctor_is_content_with_this_installation(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    shown = capsys.readouterr().out
    assert __version__ in shown and "all is well" in shown and str(DEFAULT) in shown
    for version in backends.available().values():
        assert f"{version}: self-test passed" in shown


def test_doctor_tells_programs_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["healthy"] is True
    assert told["versions"]["edge-iqa"] == __version__
    assert (
        told["bundle"]["experimental"] is json.loads((DEFAULT / "manifest.json").read_text())["experimental"]
    )
    passed = {check["name"]: check["passed"] for check in told["backends"] if check["version"]}
    assert passed == {backends.NAMES[runtime]: True for runtime in backends.available()}
    assert all(check["results"] for check in told["backends"] if check["version"])


def _expect_other_scores(manifest: dict[str, Any]) -> None:
    for golden in manifest["golden"]:
        golden["scores"] = {
            path: [1 - score for score in scores] for path, scores in golden["scores"].items()
        }


def test_doctor_finds_scores_that_differ(
    edit_manifest: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--bundle", str(edit_manifest(_expect_other_scores))]) == 1
    shown = capsys.readouterr().out
    assert "FAILED" in shown and "something is wrong" in shown


def test_doctor_finds_an_altered_bundle(bundle_copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (bundle_copy / "MODEL_CARD.md").write_text("a better card")
    assert main(["doctor", "--json", "--bundle", str(bundle_copy)]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["bundle"] is None
    assert "MODEL_CARD.md" in told["bundle_problem"]


def test_doctor_without_a_runtime_names_what_to_install() -> None:
    code = """
import sys
for name in ("onnxruntime", "ai_edge_litert", "tflite_runtime"): sys.modules[name] = None
from edge_iqa.cli import main
from edge_iqa.errors import PhotoError
sys.exit(main(["doctor"]))"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "`pip install ai-edge-litert`" in done.stdout
    assert "`pip install onnxruntime`" in done.stdout


def test_review_is_told_as_doubt(inspector: Any, photo: str) -> None:
    import dataclasses

    from edge_iqa.report import Issue

    said = WORDS["BLUR"]
    issue = Issue("BLUR", 0.1, None, None, False, 9.0, said.what, said.advice)
    report: Report = dataclasses.replace(inspector.inspect(photo), verdict=Verdict.REVIEW, issues=(issue,))
    row = format_row(report, Layout.fit([photo]))
    assert row.startswith("review")
    assert "Not sure" in row and said.what in row and said.advice in row


def test_an_override_exits_0_and_says_verdict_and_reason(
    strict: str, photo: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _inspect("--bundle", strict, "--override", "sold as seen", photo) == 0
    _, row, summary = capsys.readouterr().out.splitlines()
    assert row.endswith("Sent all the same: sold as seen") and "accept" not in summary
    assert _inspect("--bundle", strict, "--override", "sold as seen", "--json", photo) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["verdict"] != "accept" and told["override"] == "sold as seen"


def test_an_override_lets_no_unreadable_photo_pass(photo: str, broken: str) -> None:
    assert _inspect("--override", "sold as seen", photo, broken) == 3


def test_the_reason_of_an_override_cannot_control_the_terminal(
    strict: str, photo: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _inspect("--bundle", strict, "--details", "--override", "\033[2Jgone\n", photo)
    assert "\033" not in capsys.readouterr().out


def test_a_policy_is_checked_and_named_by_name_or_file(
    lenient: str, photo: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ours = tmp_path / "ours.toml"
    ours.write_text('[[rules]]\nmeasure = "long_side_px"\nat_least = 9999\n')
    assert _inspect("--bundle", lenient, "--policy", str(ours), photo) == 1
    assert WORDS["TOO_SMALL"].what in capsys.readouterr().out
    _inspect("--bundle", lenient, "--policy", "walmart", "--json", photo)
    assert json.loads(capsys.readouterr().out)["policy"] == "walmart"


def test_names_of_policies_and_languages_may_be_written_in_any_case(
    photo: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _inspect("--policy", "Walmart", "--lang", "ZH", "--json", photo)
    told = json.loads(capsys.readouterr().out)
    assert (told["policy"], told["lang"]) == ("walmart", "zh")
    assert main(["policies", "GENERAL"]) == 0


@pytest.mark.parametrize(
    ("option", "says"),
    [
        (["--policy", "Amazn"], "got 'Amazn'"),
        (["--policy", "amazn"], "expected one of the policies amazon-main"),
        (["--lang", "tlh"], "expected one of the languages en, zh, got 'tlh'"),
    ],
)
def test_a_policy_or_language_that_is_none_exits_2_with_those_there_are(
    option: list[str], says: str, photo: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _inspect(*option, photo) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and says in captured.err


def test_the_table_speaks_chinese(strict: str, photo: str, capsys: pytest.CaptureFixture[str]) -> None:
    _inspect("--bundle", strict, "--lang", "zh", photo)
    row = capsys.readouterr().out.splitlines()[1]
    assert any(said.what in row for said in open_words("zh").causes.values())


def test_details_tell_every_cause_and_every_rule_below_the_photo(
    photo: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _inspect("--json", "--policy", "amazon-main", photo)
    told = json.loads(capsys.readouterr().out)
    _inspect("--details", "--policy", "amazon-main", photo)
    _, _, *lines, _ = capsys.readouterr().out.splitlines()
    assert all(line.startswith("    ") for line in lines)
    assert [line.split()[1] for line in lines if not line.startswith("    rule")] == [
        issue["code"] for issue in told["issues"]
    ]
    shown = {line.split()[1].rstrip(","): line for line in lines if line.startswith("    rule")}
    assert set(shown) == {rule["rule"] for rule in told["rules"]}
    for rule in told["rules"]:
        line = shown[rule["rule"]]
        assert rule["status"] in line and rule["severity"] in line and rule["bound"] in line
        assert ("unverified" in line) is (rule["source"] == "unverified")


def test_an_accepted_photo_is_told_what_could_be_better(
    lenient: str, photo: str, inspector: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    import dataclasses

    report = dataclasses.replace(inspector.inspect(photo), verdict=Verdict.ACCEPT, issues=())
    assert format_row(report, Layout.fit([photo])).endswith("  Good to upload.")
    assert (
        _inspect("--bundle", lenient, photo) == 0
    )  # 400 px on the shorter side: a hint of the general policy
    assert "Good to upload; could be better: " in capsys.readouterr().out


def test_chinese_wraps_by_columns_and_starts_no_line_with_a_stop() -> None:
    text = "".join(said.what + said.advice for said in open_words("zh").causes.values())
    lines = format_row(_failure("a.jpg", text), Layout(5, wrap_width=50)).splitlines()
    assert len(lines) > 10
    columns = [sum(1 + (ord(letter) > 0x2E80) for letter in line) for line in lines]
    assert max(columns) <= 51 and min(columns[:-1]) > 40  # a stop that does not fit may hang over by one
    assert not any(line.strip()[0] in "\u3002\uff0c\uff1b\uff1a\u3001" for line in lines)
    assert "".join(line[23:] for line in lines).replace(" ", "") == text.replace(" ", "")
