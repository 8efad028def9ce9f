"""The README says what the results say."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import asdict
from pathlib import Path

import PIL.Image
import pytest

from benchmarks.bundle_tables import BUNDLES
from benchmarks.footprint import sizes
from benchmarks.footprint.tables import list_tables
from benchmarks.plots import find_stale, read_texts, write_plots
from benchmarks.render import BEGIN, END, RESULTS, insert, main, render
from benchmarks.robust_figures import judge_attacks, judge_changes
from benchmarks.robust_tables import tell_robustness
from compression.stages import read_recipe
from edge_iqa import Inspector
from edge_iqa.errors import DataError

ROOT = Path(__file__).resolve().parents[2]


def test_the_readmes_figures_are_those_of_the_results() -> None:
    assert main(["--check"]) == 0, "run python benchmarks/render.py"


def test_the_results_are_those_of_the_bundle_that_ships() -> None:
    """A bundle that scores otherwise asks for new figures: latency, accuracy, cost and reports of it."""
    with Inspector.open() as inspector:
        bundle = inspector.bundle
    names = ("accuracy-tflite", "confidence-tflite", "latency-host", "speedup-host", "cost-host")
    for name in (*names, *(f"robustness-{part}-host" for part in ("small", "pgd", "square"))):
        result = json.loads((RESULTS / f"{name}.json").read_text())
        about = result if "manifest_sha256" in result else result["bundle"]
        assert about["judging_sha256"] == bundle.judging_sha256, name
    for path in (
        *RESULTS.glob("*-host.json"),
        *RESULTS.glob("*-tflite.json"),
        *RESULTS.glob("accuracy-against-*.json"),
    ):
        about = json.loads(path.read_text())
        for each in (about, about.get("bundle")):
            if isinstance(each, dict) and "judging_sha256" in each:
                assert each["judging_sha256"] == bundle.judging_sha256, path.name
    calibration = json.loads((RESULTS / "confidence-tflite.json").read_text())["calibration"]
    assert calibration == asdict(bundle.manifest.calibration)
    models = {file.path: file.sha256 for file in bundle.manifest.files if file.path.startswith("model.")}
    gates, quantized = (
        json.loads((RESULTS / "default" / name).read_text())["files"]
        for name in ("gates.json", "quantize.json")
    )
    assert models == {path: gates[path] for path in models}
    assert models == {path: quantized[path]["sha256"] for path in models}


@pytest.mark.parametrize("name", sorted(BUNDLES))
def test_the_results_of_a_recipe_are_those_of_one_bundle_of_its_version(name: str) -> None:
    folder = RESULTS / name
    gates, quantized = (
        json.loads((folder / f"{file}.json").read_text())["files"] for file in ("gates", "quantize")
    )
    assert gates == {path: file["sha256"] for path, file in quantized.items()}
    packing = read_recipe(ROOT / "compression" / "recipes" / f"{name}.toml").stages["pack"]
    label = f"{name}-{packing[packing.index('--version') + 1]}"
    abouts = [json.loads(path.read_text()) for path in folder.glob("*-*.json")]
    told = {
        (each["bundle"], each["manifest_sha256"])
        if "manifest_sha256" in each
        else (each["bundle"]["label"], each["bundle"]["manifest_sha256"])
        for each in abouts
    }
    assert len(told) <= 1 and {bundle for bundle, _ in told} <= {label}


def test_only_what_is_between_the_marks_is_replaced() -> None:
    assert insert(f"a{BEGIN}old{END}b", "new") == f"a{BEGIN}\n\nnew\n{END}b"
    with pytest.raises(ValueError, match="expected the marks"):
        insert("no marks", "new")


def test_scenarios_are_shown_with_what_loadgen_says_of_them(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(RESULTS, tmp_path / "results"))
    path = folder / "latency-host.json"
    rows = [
        {
            "backend": "litert",
            "precision": "int8",
            "scenario": "SingleStream",
            "n": 321,
            "loadgen": {"version": "6.0.17 @ d6147c7eb7", "valid": True, "latency_ms": 81.239},
            "ours": {"p90_ms": {"value": 81.111, "low": 80.5, "high": 82.25}},
        },
        {
            "backend": "litert",
            "precision": "int8",
            "scenario": "Offline",
            "n": 1,
            "photos_answered": 250,
            "loadgen": {"version": "6.0.17 @ d6147c7eb7", "valid": False, "samples_per_second": 18.02},
            "ours": {"samples_per_second": 18.03, "median_pass": None},
        },
        {
            "backend": "litert",
            "precision": "fp32",
            "scenario": "Offline",
            "n": 20,
            "photos_answered": 80,
            "loadgen": {"version": "6.0.17 @ d6147c7eb7", "valid": True, "samples_per_second": 19.22},
            "ours": {
                "samples_per_second": 19.22,
                "median_pass": {"value": 20.4, "low": 20.11, "high": 20.83},
            },
        },
    ]
    path.write_text(json.dumps(json.loads(path.read_text()) | {"scenarios": rows}))
    text = " ".join(render(folder).split())
    assert "| litert int8 | SingleStream | p90, ms | 321 | 81.24 | 81.11 | 80.50 to 82.25 | VALID |" in text
    assert "| litert int8 | Offline | photos a second | 250 | 18.02 | - | - | INVALID |" in text
    row = "| litert fp32 | Offline | photos a second | 80 | 19.22 | 20.40 | 20.11 to 20.83 | VALID |"
    assert row in text, "an interval stands beside the value that it is of"
    assert "LoadGen (6.0.17)" in text and "No MLPerf submission" in text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema": 4}, "written by another schema: expected 3, got 4"),
        ({"kind": "cost"}, "expected a result of the kind 'latency', got 'cost'"),
        ({"valid": False}, "expected figures that are valid, got INVALID ones"),
    ],
)
def test_latencies_that_do_not_count_are_refused(
    change: dict[str, object], said: str, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(RESULTS, tmp_path / "results"))
    path = folder / "latency-host.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(DataError, match=said):
        render(folder)
    path.write_text("{")
    with pytest.raises(DataError, match="expected a result in JSON"):
        render(folder)


def test_of_the_slices_only_the_worst_has_a_row_and_small_ones_are_counted(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(RESULTS, tmp_path / "results"))
    path = folder / "default" / "gates.json"
    report = json.loads(path.read_text())
    others = [
        gate for gate in report["gates"][1:] if not gate["name"].startswith("student vs teacher, SRCC,")
    ]
    report["gates"], report["slices"] = [report["gates"][0]], []
    for name, low in (("white", 0.95), ("photo", 0.941), ("gray", 0.96)):
        gate = {**report["gates"][0], "name": f"student vs teacher, SRCC, background: {name}", "low": low}
        report["gates"].append(gate)
        report["slices"].append({"kind": "background", "name": name, "n": 210, "groups": 20, "estimate": {}})
    report["slices"].append({"kind": "category", "name": "shoe", "n": 9, "groups": 2, "estimate": None})
    report["gates"] += others
    path.write_text(json.dumps(report))
    text = render(folder)
    assert "| student vs teacher, SRCC, background: photo (the worst of 3 slices) | 0.97" in text
    assert "background: white" not in text and "background: gray" not in text
    assert "1 of 4 slices were too small" in text
    assert all(f"| {gate['name']} |" in text for gate in others)


def test_bundles_stand_side_by_side_and_the_worse_runtime_counts(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(RESULTS, tmp_path / "results"))
    shutil.rmtree(folder / "tiny", ignore_errors=True)
    shutil.copytree(folder / "default", folder / "tiny")
    path = folder / "tiny" / "gates.json"
    report = json.loads(path.read_text())
    speed = [gate for gate in report["gates"] if gate["name"].startswith("int8 speed-up")]
    for gate, value in zip(speed, (2.5, 1.5), strict=True):
        gate.update(value=value, low=value, high=value)
    path.write_text(json.dumps(report))
    lines = render(folder).splitlines()
    header = next(line for line in lines if "`tiny` | `default`" in line)
    row = next(line for line in lines if line.startswith("| times as fast as its float"))
    assert row.count("|") == header.count("|")
    assert row.split("|")[2].strip() == "1.5 [1.5, 1.5]"
    row = next(line for line in lines if line.startswith("| int8 TFLite file, MB"))
    (size,) = {cell.strip() for cell in row.split("|")[2:4]}
    kept = json.loads((folder / "default" / "quantize.json").read_text())["files"]["model.int8.tflite"][
        "bytes"
    ]
    assert size == f"{kept / 1e6:.2f}"


def test_each_change_and_each_attack_has_a_row_and_what_was_not_measured_has_none(tmp_path: Path) -> None:
    small, pgd = (tmp_path / f"robustness-{part}-host.json" for part in ("small", "pgd"))
    assert tell_robustness(tmp_path) == []
    one = {"source": "scene-1", "group": "a", "fault": "clean", "label": 0.9, "score": [0.9, 0.5]}
    changed = {**one, "change": "one pixel", "verdict": ["accept", "retake"]}
    attacked = {**one, "attack": "PGD", "epsilon": 4, "accept": 0.6}
    about = {"photos": 7, "scenes": 3, "renderings": 20, "split": "test"}
    for path, figures in ((small, judge_changes([changed])), (pgd, judge_attacks([attacked]))):
        path.write_text(json.dumps({**about, "figures": [each.to_dict() for each in figures]}))
    text = "\n".join(tell_robustness(tmp_path))
    assert "7 photos of `test` and 3 scenes" in text and "| not measured | ≤ 0.05 |" in text
    assert "| one pixel | - | 0.400 [0.400, 0.400], n 1 | 1.000 [0.025, 1.000], n 1 |" in text
    assert "| PGD, 4/255 | 0.400 [0.400, 0.400], n 1 | - | 1.000 [0.025, 1.000], n 1 |" in text
    pgd.unlink()
    assert "PGD" not in "\n".join(tell_robustness(tmp_path))


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("README.md", 20),
        ("edge_iqa/README.md", 3),
        ("compression/README.md", 8),
        ("benchmarks/README.md", 2),
        ("benchmarks/results/README.md", 1),
        ("export/BUNDLE.md", 1),
    ],
)
def test_every_file_and_heading_that_a_page_links_to_is_there(name: str, least: int) -> None:
    page = ROOT / name
    links = re.findall(r"\]\(([^):]+)\)", page.read_text(encoding="utf-8"))
    assert len(links) >= least
    broken = [link for link in links if not _is_there(page, *link.partition("#")[::2])]
    assert broken == []


def _is_there(page: Path, path: str, heading: str) -> bool:
    target = page.parent / path if path else page
    return target.exists() and (not heading or heading in _headings(target))


def _headings(page: Path) -> set[str]:
    """As GitHub names them: lower case, blanks as dashes, nothing but letters and digits besides."""
    found = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in found}


def test_a_plot_of_another_result_is_told_and_one_drawn_anew_is_not(tmp_path: Path) -> None:
    shutil.copy(RESULTS / "latency-host.json", tmp_path)
    assert [plot.name for plot in find_stale(tmp_path)] == ["latency-host.png"], "there is none"
    assert [path.name for path in write_plots(tmp_path)] == ["latency-host.png"]
    assert not find_stale(tmp_path) and not write_plots(tmp_path)
    result = json.loads((tmp_path / "latency-host.json").read_text())
    result["results"].pop()
    (tmp_path / "latency-host.json").write_text(json.dumps(result))
    assert [plot.name for plot in find_stale(tmp_path)] == ["latency-host.png"]
    (tmp_path / "latency-host.png").write_bytes((tmp_path / "latency-host.png").read_bytes()[:60])
    assert find_stale(tmp_path), "one that is cut off was drawn from nothing"


def test_texts_of_a_png_are_those_that_another_library_reads(tmp_path: Path) -> None:
    shutil.copy(RESULTS / "latency-host.json", tmp_path)
    (path,) = write_plots(tmp_path)
    with PIL.Image.open(path) as picture:
        assert read_texts(path.read_bytes()) == picture.text  # type: ignore[attr-defined]


def test_what_a_verdict_costs_besides_its_time_stands_below_the_latencies(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(RESULTS, tmp_path / "results"))
    with Inspector.open() as inspector:
        weights = sizes.measure(inspector.bundle, [])
    missing = [{"what": "energy by RAPL", "why": "it could not be read here"}]
    told = {"cold": None, "memory": None, "energy": {"meters": []}, "sizes": weights, "missing": missing}
    path = folder / "latency-host.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"footprint": told}))
    shown = render(folder)
    (table,) = list_tables(told)
    assert f"**{table.title}**" in shown
    assert all("| " + " | ".join(row) + " |" in shown for row in table.rows if row)
    assert "Not measured: energy by RAPL: it could not be read here." in shown
