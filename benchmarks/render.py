"""Results → tables and plots of the READMEs: `python benchmarks/render.py`. No figure between the marks is typed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

if not __package__:
    # run as a script, Python puts benchmarks/ first, where no package of ours is found
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks import latency_record
from benchmarks.against_tables import tell_against
from benchmarks.bundle_tables import tell_bundles, tell_gates
from benchmarks.footprint.tables import list_tables
from benchmarks.peer_tools.tables import tell_peers
from benchmarks.plots import find_stale, tell_plot, write_plots
from benchmarks.result_file import read_json, read_result
from benchmarks.robust_tables import tell_robustness
from benchmarks.rows import show_figure, show_share, tell_warnings, to_table
from benchmarks.scenarios.screen import to_table as to_scenario_table
from benchmarks.summary import summarize
from edge_iqa.errors import DataError

CHECKOUT = Path(__file__).resolve().parent.parent
RESULTS = CHECKOUT / "benchmarks" / "results"
_ORDER, _CAUSE = "pairs of one source in order: ", "the cause named first is the fault: "
_TOLD = (
    "student's SRCC against labels",
    '"not accept": precision',
    '"not accept": recall',
    "category top-1, clean photos",
)
"""Figures without a bound that are shown all the same."""
_BENCHES = {
    "measuring-host.json": "**Measurements**, as the report tells them by the policy `general`: {listings} drawn "
    "listings whose truth is known and that nothing was tuned on, and {photos} photos of `test`, sharp and enlarged. "
    "A bound holds for the worse end of the interval, or for the value where it says (point).",
    "fixes-host.json": "**Repairs** by the device of {photos} photos of `test` and {listings} drawn listings, each "
    "spoiled, {changed} of them changed: judged by the teacher and against their clean sources.",
    "camera-states-host.json": "**Camera**: {films} films ({frames} frames) whose truth is known and that nothing was "
    "tuned on, watched frame by frame.",
    "camera-best-host.json": "**The best frame** of {films} more such films.",
    "camera-load-host.json": "**Live**: {pushed} frames pushed at 30 a second, with all threads on one core; "
    "{measured:.0%} of the answered ones were measured, the others looked at for motion alone.",
    "camera-memory-host.json": "**Memory** while {frames} frames are watched.",
    "duplicates-host.json": "**Copies** among {photos} photos ({real_originals} real originals of `test`, {listings} "
    "drawn ones), found by the gallery.",
    "search-host.json": "**Search** of {vectors} stored embeddings ({real} real ones, the others jittered) with one "
    "thread, by {queries} others.",
    "kills-host.json": "**Saving** a gallery of {photos} photos: killed {kills} times, {amid_a_save} of them amid "
    "a save.",
    "scale-host.json": "**Growth** of a verdict's cost on one thread, from {smallest:g} to {largest:g} megapixels as "
    "JPEG: below 1 it grows slower than the pixels; the interval resamples photos and rounds.",
    "batch-scaling-host.json": "**Batches** of {photos} photos, from start to file, with one process and with "
    "two in turns.",
    "simulated-host.json": "**Simulation** of a network's time on a host: {models_left_out} model files of {networks} "
    "networks ({families} families), each foretold at prices that were fitted without its family, against its "
    "measured p50 on one thread. Intervals resample families.",
    "batch-kills-host.json": "**Batches** of {photos} photos killed {kills} times, {near_end} of them near their "
    "end, and gone on with until {runs} were through, each against one that nobody killed.",
    "trust-again-host.json": "**The same again**: one bundle measured {runs} times in a row, each in a new process, "
    "{repeats} rounds of every photo. The bound on p50s is that of valid runs, each model over all photos.",
    "trust-told-host.json": "**Told** by `--compare`, of pairs of runs in new processes: a slowdown put in, and none.",
    "trust-disturbed-host.json": "**Disturbed** runs, {times} of each kind: INVALID, and for this reason.",
    "trust-overhead-host.json": "**Overhead** of the bench: {blocks} blocks of {rounds_a_block} rounds by its loop and "
    "by a bare one, in turns.",
}
"""Benches of which the figures with a bound are shown, and what is said above them."""
BEGIN, END = "<!-- results: python benchmarks/render.py -->", "<!-- end of results -->"


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; see `--help`."""
    parser = argparse.ArgumentParser(
        description="Write the results into the READMEs and draw their plots, or check that they are in them."
    )
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit 1 if a README or a plot is not up to date"
    )
    options = parser.parse_args(argv)
    stale = False
    try:
        texts = {
            CHECKOUT: summarize(RESULTS),
            CHECKOUT / "benchmarks": render(RESULTS),
            RESULTS: compare(RESULTS),
        }
    except DataError as error:
        print(f"render.py: {error}", file=sys.stderr)
        return 1
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        what = f"{type(error).__name__}: {error}"
        print(
            f"render.py: a result in {RESULTS} is not as its bench writes it today ({what}); measure again",
            file=sys.stderr,
        )
        return 1
    for folder, text in texts.items():
        path = folder / "README.md"
        old = path.read_text(encoding="utf-8")
        new = insert(old, text)
        stale |= old != new
        if options.check and old != new:
            print(f"{path}: not up to date with the results; run python benchmarks/render.py")
        if not options.check:
            path.write_text(new, encoding="utf-8")
    if not options.check:
        write_plots(RESULTS)
    for plot in find_stale(RESULTS):
        stale = True
        print(
            f"{RESULTS / plot.name}: not drawn from {plot.source} as it is; run python benchmarks/render.py"
        )
    return int(options.check and stale)


def insert(readme: str, results: str) -> str:
    """Put the results between the two marks.

    Raises:
        ValueError: a mark is missing.
    """
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"README.md: expected the marks {BEGIN!r} and {END!r}")
    return f"{before}{BEGIN}\n\n{results}\n{END}{after}"


def render(folder: Path) -> str:
    """All tables, as Markdown.

    Raises:
        DataError: the latencies are of another schema, or INVALID.
    """
    accuracy = read_json(folder / "accuracy-tflite.json")
    gates = read_json(folder / "default" / "gates.json")
    latency = read_result(folder / "latency-host.json", latency_record.KIND, (latency_record.SCHEMA,))
    confidence = read_json(folder / "confidence-tflite.json")
    parts = (
        _accuracy(accuracy),
        tell_against(folder),
        _confidence(confidence),
        tell_robustness(folder),
        [*tell_peers(folder), *tell_plot(folder, "peers-host.json")],
        *(
            [*_bounded(read_json(folder / name), about), *tell_plot(folder, name)]
            for name, about in _BENCHES.items()
            if (folder / name).is_file()
        ),
        tell_bundles(folder),
        tell_gates(gates),
        [*_latency(latency), *tell_plot(folder, "latency-host.json")],
    )
    return "\n".join(line for part in parts if part for line in [*part, ""])


def compare(folder: Path) -> str:
    """The table of students that differ in one thing, as Markdown."""
    result = read_json(folder / "ablations.json")
    budget, test = result["budget"], result["test"]
    keys = ("srcc_labels", "srcc_teacher", "pair_order")
    rows = [
        [name, *(show_share(figures[key]) for key in keys)] for name, figures in result["students"].items()
    ]
    return "\n".join(
        [
            f"{budget['photos']} photos and {budget['scenes']} scenes, {budget['epochs']} epochs, from ImageNet "
            f"weights; judged on {test['renderings']} renderings of {test['photos']} photos and scenes of `test`, in "
            "float: value [95 % interval, whole groups resampled].",
            "",
            *to_table(
                ["student", "SRCC with labels", "SRCC with teacher", "pairs of one source in order"], rows
            ),
            "",
        ]
    )


def _accuracy(result: dict[str, Any]) -> list[str]:
    """What has a bound, then one row a fault."""
    found = {figure["what"]: figure for figure in result["figures"]}
    faults = [name.removeprefix(_ORDER) for name in found if name.startswith(_ORDER)]
    bounded = [
        each for each in found.values() if each["bound"] is not None and not each["what"].startswith(_ORDER)
    ]
    told = [each for name, each in found.items() if name in _TOLD]
    rows = [show_figure(each) for each in [*bounded, *told]]
    by_fault = [
        [
            name.replace("_", " "),
            *(
                show_share(found[what + name]["estimate"])
                if what + name in found and found[what + name]["estimate"]
                else "-"
                for what in (_ORDER, _CAUSE)
            ),
        ]
        for name in faults
    ]
    return [
        f"**Accuracy** of {result['model']} ({result['backend']}), from encoded bytes: {result['photos']} photos of "
        f"{result['groups']} groups and {result['scenes']} scenes unknown to training, each spoiled by every fault: "
        "value [95 % interval, whole groups resampled; rated frames within their scene]; a bound holds for the "
        "worse end.",
        "",
        *to_table(["figure", "measured", "bound", ""], rows),
        "",
        "By fault: pairs of one source in order (bound 0.9 each), and how often the cause named first is the fault.",
        "",
        *to_table(["fault", "pairs in order", "cause named"], by_fault),
    ]


def _confidence(result: dict[str, Any]) -> list[str]:
    """What has a bound, and what stands behind it."""
    rows = [show_figure(each) for each in result["figures"]]
    return [
        f"**Confidence** of the same that its verdict's side, good or not, is the true one: curves fitted on `val`, "
        f"measured on {result['photos']} photos and {result['scenes']} scenes of `test`, each spoiled by every fault. "
        "Coverage is the surest part of all.",
        "",
        *to_table(["figure", "measured", "bound", ""], rows),
    ]


def _bounded(result: dict[str, Any], about: str) -> list[str]:
    """Of a bench the figures that have a bound."""
    rows = [show_figure(each) for each in result["figures"] if each["bound"] is not None]
    table = to_table(["figure", "measured", "bound", ""], rows)
    return [about.format(**result), "", *table, *tell_warnings(result)]


def _latency(result: dict[str, Any]) -> list[str]:
    if not result["valid"]:
        raise DataError("latency-host.json: expected figures that are valid, got INVALID ones; measure again")
    machine, rows = result["machine"], []
    shown = [stage for stage in result["results"][0]["stages"] if stage not in ("rest", "whole")]
    sizes = {
        each["name"]: f"{each['name']}, {each['width_px']}x{each['height_px']}" for each in result["photos"]
    }
    for row in result["results"]:
        stages, photo = row["stages"], sizes[row["photo"]]
        cells = [_ms(stages[stage]["p50_ms"]) for stage in shown]
        whole = [_ms(stages["whole"][key]) for key in ("p50_ms", "p90_ms", "p99_ms")]
        rows.append([photo, latency_record.tell_model(row), *cells, *whole])
    warnings = "".join(f" Warning: {each}." for each in result["warnings"])
    tries = sum(1 + len(each["set_aside"]) for each in result["photos"])
    if tries > len(result["photos"]):
        count = len(result["photos"])
        warnings += (
            f" {count} photos took {tries} tries: rounds that drifted were set aside and measured again."
        )
    header = ["photo", "model", *shown, "whole p50", "p90", "p99"]
    return [
        f"**Latency** on a host ({machine['cpu']}, {machine['cores']} cores, 1 thread), ms, from encoded bytes; stages "
        f"are p50. Read them as ratios: this is no phone.{warnings}",
        "",
        *to_table(header, rows),
        *_scenarios(result.get("scenarios", ())),
        *_footprint(result.get("footprint")),
    ]


def _scenarios(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    if not rows:
        return []
    table = to_scenario_table(rows)
    about = (
        "The same, all photos together, asked for by MLPerf's LoadGen "
        f"({rows[0]['loadgen']['version'].partition(' ')[0]}): its figure, ours with the interval (of "
        "Offline the median pass over all photos), and what it says of its own. No MLPerf submission: no benchmark of "
        "that suite was run."
    )
    return ["", about, "", *to_table(table.columns, table.rows)]


def _footprint(told: dict[str, Any] | None) -> list[str]:
    """What a verdict costs besides its time, as the bench shows it."""
    lines = []
    for table in list_tables(told):
        lines += ["", f"**{table.title}**", "", *to_table(table.columns, filter(None, table.rows))]
    if told and told["missing"]:
        lines += ["", *(f"Not measured: {each['what']}: {each['why']}." for each in told["missing"])]
    return lines


def _ms(estimate: dict[str, float] | None) -> str:
    return "-" if estimate is None else f"{estimate['value']:.1f}"


if __name__ == "__main__":
    raise SystemExit(main())
