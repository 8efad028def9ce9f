"""`python benchmarks/scale.py`: photos of any size made of real ones, growth found from times, what it refuses."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks import latency, latency_file, latency_run, megapixels, scale
from benchmarks.encodings import FORMATS
from benchmarks.photos import Photo
from benchmarks.scales import growth, photos, threads
from benchmarks.trust_runs import AlteredSystem
from edge_iqa import image
from edge_iqa.errors import DataError

WORKSHOP = ("torch", "torchvision", "onnx", "piq", "scipy", "compression", "export", "rich", "matplotlib")
# put where Python looks for sitecustomize: the command then runs where these packages cannot be imported
BLOCKER = f"""
import sys

class Refuse:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in {WORKSHOP!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}} (blocked)", name=name)

sys.meta_path.insert(0, Refuse)
"""
SHAPES = {"wide.png": (300, 500), "tall.png": (640, 400), "small.png": (90, 120)}


def draw(name: str, height: int, width: int) -> Photo:
    pixels = np.random.default_rng(height).integers(0, 256, (height, width, 3), np.uint8)
    return Photo(name, cv2.imencode(".png", pixels)[1].tobytes())


@pytest.fixture(scope="module")
def sources() -> list[Photo]:
    return [draw(name, *shape) for name, shape in SHAPES.items()]


@pytest.mark.parametrize("size", [0.1, 0.17, 0.256, 0.3, 1.0, 2.5])
@pytest.mark.parametrize("series", [0, 1, 2])
def test_photos_have_the_size_asked_for_and_keep_their_shape(
    sources: list[Photo], tmp_path: Path, size: float, series: int
) -> None:
    made = megapixels.make(sources, [size], tmp_path, each=series + 1)[series]
    frame = image.read(made.photo.data, long_side_px=65_535)
    assert made.pixels == frame.pixels.shape[0] * frame.pixels.shape[1]
    assert made.pixels == pytest.approx(size * 1e6, rel=0.01)
    name = made.photo.name.split("from ")[-1].split("as ")[-1]
    height, width = SHAPES.get(name, (3, 4))
    assert frame.pixels.shape[1] / frame.pixels.shape[0] == pytest.approx(width / height, rel=0.03)


def test_a_photo_is_shrunk_where_it_has_the_pixels_and_a_sheet_is_laid_where_none_has(
    sources: list[Photo], tmp_path: Path
) -> None:
    made = megapixels.make(sources, [0.1, 0.256, 0.1], tmp_path, each=2)
    told = [each.photo.name for each in made]
    assert told[0] == "0.1 MP, shrunk from tall.png" and told[2] == "0.256 MP, as tall.png"
    assert "sheet 2 of" in told[1] and "sheet 2 of" in told[3], (
        "of the second series none has the pixels at 0.256"
    )
    assert len(told) == 4, "a size asked for twice is made once"


def test_a_series_is_of_one_kind_at_all_sizes_and_no_two_photos_have_one_name(
    sources: list[Photo], tmp_path: Path
) -> None:
    made = megapixels.make(sources[:1], [0.1, 1.0], tmp_path, each=3)
    assert all("sheet " in each.photo.name for each in made), "none has a megapixel, so nothing is shrunk"
    assert len({each.photo.name for each in made}) == len(made)


@pytest.mark.parametrize(("height", "width"), [(90, 120), (700, 900), (33, 1000)])
def test_a_sheet_is_all_real_pixels_at_their_own_size(sources: list[Photo], height: int, width: int) -> None:
    sheet, tiles = megapixels.lay(sources, height, width, np.random.default_rng(7))
    known = {source.name: image.read(source.data).pixels for source in sources}
    covered = np.zeros((height, width), int)
    for tile in tiles:
        part = sheet[tile.top : tile.top + tile.height, tile.left : tile.left + tile.width]
        covered[tile.top : tile.top + tile.height, tile.left : tile.left + tile.width] += 1
        found = cv2.matchTemplate(known[tile.name], part, cv2.TM_SQDIFF)
        left, top = cv2.minMaxLoc(found)[2]
        assert (known[tile.name][top : top + tile.height, left : left + tile.width] == part).all()
    assert (covered == 1).all()


def test_what_was_made_is_taken_from_the_cache_and_made_anew_where_it_is_not_whole(
    sources: list[Photo], tmp_path: Path
) -> None:
    made = megapixels.make(sources, [0.3], tmp_path, kinds=FORMATS)
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in tmp_path.iterdir()}
    assert len(before) == len(FORMATS) + 1
    assert megapixels.make(sources, [0.3], tmp_path, kinds=FORMATS) == made
    assert {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in tmp_path.iterdir()} == before
    next(path for path in before if path.suffix == ".png").unlink()
    assert megapixels.make(sources, [0.3], tmp_path, kinds=FORMATS) == made
    other = megapixels.make(sources[1:], [0.3], tmp_path)  # of other photos nothing is taken
    assert other[0].photo.data != made[0].photo.data


def test_photos_in_all_formats_have_the_same_pixels_to_decode(sources: list[Photo], tmp_path: Path) -> None:
    made = megapixels.make(sources, [0.2], tmp_path, kinds=FORMATS)
    shapes = {image.read(each.photo.data, long_side_px=65_535).pixels.shape for each in made}
    assert len(shapes) == 1
    assert b"\xff\xc2" in made[1].photo.data and b"\xff\xc2" not in made[0].photo.data[:1000]
    assert made[2].photo.data.startswith(b"\x89PNG")


def test_photos_that_cannot_be_read_are_passed_over_and_none_at_all_is_an_error(
    sources: list[Photo], tmp_path: Path
) -> None:
    broken = Photo("broken.jpg", b"no photo")
    assert megapixels.make([broken, *sources], [0.1], tmp_path)[0].photo.name.endswith("tall.png")
    with pytest.raises(DataError, match="none can be read"):
        megapixels.make([broken], [0.1], tmp_path)
    with pytest.raises(DataError, match="got 480"):
        megapixels.make(sources, [1, 480], tmp_path)


@pytest.mark.parametrize("exponent", [0.0, 0.4, 1.0, 1.3])
def test_the_exponent_of_a_cost_is_recovered_from_times(exponent: float) -> None:
    rng = np.random.default_rng(3)
    sizes = np.array([[1.0, 2, 6, 12, 48]] * 4)
    dearer = np.array([1.0, 1.2, 3, 0.5])[:, None, None]  # a photo that is dearer at every size
    times = dearer * (sizes**exponent)[..., None] * rng.lognormal(0, 0.05, (4, 5, 40))
    found = growth.find_exponent(sizes, times)
    assert found.low <= exponent <= found.high
    assert found.value == pytest.approx(exponent, abs=0.02) and found.high - found.low < 0.1
    unit = growth.compare_units(sizes, times, 4, 0)
    assert unit.value == pytest.approx(48 ** (exponent - 1), rel=0.05)
    assert (unit.high < 1) == (exponent < 1)
    assert found.n == unit.n == 160


def test_the_interval_of_an_exponent_holds_what_other_photos_give() -> None:
    rng = np.random.default_rng(5)
    sizes = np.array([[1.0, 4, 16]] * 6)
    own = rng.normal(0.6, 0.1, (6, 1))
    times = (sizes**own)[..., None] * rng.lognormal(0, 0.01, (6, 3, 20))
    found = growth.find_exponent(sizes, times)
    assert found.low < own.min() + 0.15 and found.high - found.low > 0.05


@pytest.mark.parametrize(
    ("sizes", "times"),
    [
        (np.ones((1, 2)), np.ones((1, 2, 5))),
        (np.array([[1.0, 2]]), np.zeros((1, 2, 5))),
        (np.array([[1.0, 2]]), np.ones((1, 3, 5))),
    ],
)
def test_growth_without_two_sizes_or_with_impossible_times_is_refused(
    sizes: np.ndarray, times: np.ndarray
) -> None:
    with pytest.raises(ValueError, match="expected sizes"):
        growth.find_exponent(sizes, times)


def test_parts_are_measured_once_and_in_their_own_order() -> None:
    assert scale.read_parts("photos,pixels,photos") == ("pixels", "photos")
    assert scale.read_parts(" threads ") == ("threads",)
    for text in ("", "pixels,speed"):
        with pytest.raises(argparse.ArgumentTypeError, match="expected some of pixels,views"):
            scale.read_parts(text)


@pytest.mark.parametrize(
    ("most", "counts"),
    [(1, (1,)), (2, (1, 2)), (4, (1, 2, 3, 4)), (6, (1, 2, 3, 4, 6)), (16, (1, 2, 3, 4, 8, 16))],
)
def test_counts_go_up_to_the_most_that_there_are(most: int, counts: tuple[int, ...]) -> None:
    assert threads.count_up(most) == counts


def test_a_pass_is_as_long_as_its_photos_and_half_a_pass_is_none() -> None:
    assert photos.sum_passes([1, 2, 3, 4, 5], 2) == [3, 7]


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ({"kind": "scale", "schema": 99}, "expected 1, got 99"),
        ({"kind": "latency", "schema": 2}, "expected a result of the kind 'scale'"),
        ({"kind": "scale", "schema": 1}, "expected a result as scale.py writes it"),
    ],
)
def test_a_result_that_is_none_of_ours_is_not_drawn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], result: dict, said: str
) -> None:
    path = tmp_path / "scale-host.json"
    path.write_text(json.dumps(result))
    assert scale.main(["--draw", str(path)]) == 1
    assert said in capsys.readouterr().err
    assert not path.with_suffix(".png").exists()


@pytest.fixture(scope="module")
def plain_run(tmp_path_factory: pytest.TempPathFactory, sources: list[Photo]) -> Path:
    """A quick look at threads where the workshop cannot be imported; the path of its result."""
    folder = tmp_path_factory.mktemp("plain")
    (folder / "sitecustomize.py").write_text(BLOCKER)
    (folder / "photos").mkdir()
    for source in sources:
        (folder / "photos" / source.name).write_bytes(source.data)
    options = ["--parts", "threads", "--quick", "--megapixels", "0.2", "--photos", "photos"]
    done = subprocess.run(
        [sys.executable, scale.__file__, *options, "--cache", "cache", "--out", "out"],
        env={**os.environ, "PYTHONPATH": str(folder)},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    invalid = {0: "", scale.INVALID: "-invalid"}[done.returncode]
    assert "no plot: matplotlib is not installed" in done.stderr
    (result,) = (folder / "out").iterdir()
    assert result.name == f"scale-host-threads-quick{invalid}.json"
    return result


def test_threads_are_measured_without_the_workshop(plain_run: Path) -> None:
    result = json.loads(plain_run.read_text())
    assert (result["kind"], result["schema"], result["device"]) == ("scale", 1, "host")
    part, cores = result["parts"]["threads"], result["machine"]["cores"]
    counts = threads.count_up(cores)
    if cores > 1:
        pairs = {(each["model_threads"], each["opencv_threads"]) for each in part["grid"]}
        assert pairs == {(one, other) for one in counts for other in counts}
        assert len(result["figures"]) == len(pairs) - 1
        assert all(each["p50_ms"] >= each["stages_p50_ms"]["model"] > 0 for each in part["grid"])


def test_a_machine_that_swaps_makes_a_part_invalid_and_names_the_file(
    sources: list[Photo], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    swaps = {"proc/swaps": "Filename\tType\tSize\tUsed\tPriority\n/swapfile file 4000000 1024 -2"}
    photo = tmp_path / "a.png"
    photo.write_bytes(sources[2].data)
    options = (
        "--parts",
        "pixels",
        "--quick",
        "--photos",
        photo,
        "--megapixels",
        "0.1",
        "0.2",
        "--out",
        tmp_path / "out",
    )
    given = (*options, "--cache", tmp_path / "cache")
    assert scale.main([*map(str, given)], AlteredSystem(files=swaps)) == latency_file.INVALID
    (path,) = (tmp_path / "out").glob("*.json")
    assert "-invalid" in path.name
    assert "swap" in [reason["code"] for reason in json.loads(path.read_text())["parts"]["pixels"]["invalid"]]


def test_a_result_is_drawn_anew_beside_itself(plain_run: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    copy = tmp_path / "some.json"
    copy.write_bytes(plain_run.read_bytes())
    assert scale.main(["--draw", str(copy)]) == 0
    assert cv2.imread(str(copy.with_suffix(".png"))).std() > 1


def test_latency_measures_photos_of_the_sizes_asked_for_beside_those_given(
    sources: list[Photo], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(latency_run, "CACHE", tmp_path / "cache")
    small = tmp_path / "small.png"
    small.write_bytes(sources[2].data)
    options = [
        "--photos",
        str(small),
        "--megapixels",
        "0.1",
        "--repeats",
        "8",
        "--tries",
        "1",
        "--scenario",
        "none",
        "--no-footprint",
        "--out",
        str(tmp_path / "out"),
    ]
    assert latency.main(options) in (0, latency_file.INVALID)
    (path,) = (tmp_path / "out").iterdir()
    told = {
        each["name"]: each["width_px"] * each["height_px"] for each in json.loads(path.read_text())["photos"]
    }
    assert len(told) == 2 and told.pop("small.png") == 90 * 120
    ((name, pixels),) = told.items()
    assert name.startswith("0.1 MP, sheet of 1 photo") and pixels == pytest.approx(1e5, rel=0.01)


def test_a_series_that_rises_by_half_is_told_so() -> None:
    rng = np.random.default_rng(2)
    series = np.linspace(100, 150, 90) * rng.lognormal(0, 0.02, 90)
    found = photos.tell_rise("memory", series).estimate
    assert found is not None and found.low < 1.5 < found.high and found.low > 1.4
    steady = photos.tell_rise("memory", rng.lognormal(4, 0.02, 90)).estimate
    assert steady is not None and steady.low < 1 < steady.high
