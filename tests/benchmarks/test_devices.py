"""Device files: each machine is exactly one device, and a slip in a file is told with its line."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import pytest

from benchmarks import devices, latency
from benchmarks.device import Bounds
from benchmarks.device_file import DeviceError
from benchmarks.system import System, run_command

DEVICES = devices.read_devices()
UNNAMED = [name for name, each in DEVICES.items() if not each.family]

NANO = b"nvidia,p3768-0000+p3767-0005-super\0nvidia,p3767-0005\0nvidia,tegra234\0"
MACHINES = [
    ("jetson-orin-nano", {"proc/device-tree/model": b"NVIDIA Jetson Orin Nano Developer Kit\0"}, "aarch64"),
    ("jetson-orin-nano", {"proc/device-tree/compatible": NANO, "etc/nv_tegra_release": b"# R36"}, "aarch64"),
    ("jetson-xavier-nx", {"proc/device-tree/model": b"NVIDIA Jetson Xavier NX Developer Kit\0"}, "aarch64"),
    ("jetson-xavier-agx", {"proc/device-tree/model": b"Jetson-AGX\0"}, "aarch64"),
    ("jetson-xavier-agx", {"proc/device-tree/compatible": b"nvidia,p2972-0000\0nvidia,tegra194"}, "aarch64"),
    ("jetson", {"proc/device-tree/model": b"NVIDIA Jetson AGX Orin Developer Kit\0"}, "aarch64"),
    ("jetson", {"etc/nv_tegra_release": b"# R32 (release), REVISION: 7.1"}, "aarch64"),
    ("rpi5", {"proc/device-tree/model": b"Raspberry Pi 5 Model B Rev 1.0\0"}, "aarch64"),
    ("rpi5", {"proc/device-tree/model": b"Raspberry Pi 5 Model B Rev 1.1\0"}, "armv7l"),
    ("android", {"system/build.prop": b"ro.product.model=Pixel\n"}, "aarch64"),
    ("android", {"system/bin/getprop": b"\x7fELF\x02\x01"}, "armv8l"),
    ("generic-arm64", {"proc/device-tree/model": b"Raspberry Pi 4 Model B Rev 1.4\0"}, "aarch64"),
    ("generic-arm64", {"proc/device-tree/model": b"Rockchip RK3588\0"}, "aarch64"),
    ("generic-arm64", {}, "arm64"),
    (None, {"proc/device-tree/model": b"Raspberry Pi 4 Model B Rev 1.4\0"}, "armv7l"),
    (None, {"proc/device-tree/model": b""}, "x86_64"),
    (None, {}, "x86_64"),
]


def build(root: Path, files: dict[str, bytes], architecture: str, answers: dict[str, str]) -> System:
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)

    def run(command: Sequence[str]) -> str | None:
        return answers.get(" ".join(command))

    return System(root, run, architecture)


@pytest.mark.parametrize(("name", "files", "architecture"), MACHINES)
def test_a_machine_is_exactly_one_device(
    name: str | None, files: dict[str, bytes], architecture: str, tmp_path: Path
) -> None:
    system = build(tmp_path, files, architecture, {})
    found = devices.identify(DEVICES, system)
    assert (found and found.name) == name
    is_one = {asked: found.name for asked in DEVICES if (found := devices.find(asked, DEVICES, system))}
    assert is_one.pop("host") == "host"
    family = DEVICES[name].family if name else ""
    assert is_one == ({name: name} if name else {}) | ({family: name} if family else {})


def test_a_phone_that_hides_its_files_is_known_by_what_it_answers(tmp_path: Path) -> None:
    system = build(tmp_path, {}, "aarch64", {"getprop ro.build.version.sdk": "34"})
    found = devices.identify(DEVICES, system)
    assert found is not None and found.name == "android"


def test_every_device_file_has_a_machine_that_is_it() -> None:
    assert {name for name, _, _ in MACHINES if name} | {"host"} == set(DEVICES)
    assert {path.stem for path in devices.FOLDER.glob("*.toml")} == set(UNNAMED)


def test_one_that_is_another_device_is_told_which(tmp_path: Path) -> None:
    system = build(tmp_path, {"proc/device-tree/model": b"Raspberry Pi 5"}, "aarch64", {})
    for asked in ("jetson", "generic-arm64"):
        said = devices.refuse(asked, DEVICES, system)
        assert f"not a {asked}" in said and "It is a rpi5" in said and "say --device rpi5" in said


def test_a_new_device_is_a_new_file(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(devices.FOLDER, tmp_path / "devices"))
    (folder / "toaster-2.toml").write_text(
        'title = "Toaster"\nsigns = [{ path = "proc/cpuinfo", says = "toast" }]\n'
    )
    known = devices.read_devices(folder)
    assert set(known) - set(DEVICES) == {"toaster-2"}
    system = build(tmp_path / "root", {"proc/cpuinfo": b"Hardware : TOASTER\n"}, "aarch64", {})
    found = devices.identify(known, system)
    assert found is not None and found.title == "Toaster"


def test_every_bound_can_be_set_in_a_file_and_moves_that_bound_alone(tmp_path: Path) -> None:
    written = {str: '"scaling_max_freq"', float: "0.25", bool: "true"}
    for bound in fields(Bounds):
        if bound.name in ("flags", "may_be_unknown"):  # lists of tables, and of names of checks: tested above
            continue
        text = '["x"]' if isinstance(bound.default, tuple) else written[type(bound.default)]
        (tmp_path / "host.toml").write_text(f'title = "x"\nwhatever = true\n[valid]\n{bound.name} = {text}\n')
        found = devices.read_devices(tmp_path)["host"].bounds
        changed = [each.name for each in fields(Bounds) if getattr(found, each.name) != each.default]
        assert changed == [bound.name] and type(getattr(found, bound.name)) is type(bound.default)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('signs = [{ path = "a" }]', "toaster.toml:1: the field 'title' is missing"),
        ('title = "x"', "expected either `signs` or `whatever = true`"),
        ('title = "x"\nwhatever = 1', "toaster.toml:2: whatever: expected true or false, got 1"),
        ('title = "x"\nsign = []', "toaster.toml:2: sign: expected one of the keys title,"),
        ('title = "x"\nsigns = "y"', "toaster.toml:2: signs: expected a list, got 'y'"),
        ('title = "x"\nsigns = [{ says = "y" }]', "signs[0]: expected either `path` or `command`"),
        ('title = "x"\nsigns = [{ path = "/etc/y" }]', "expected a path from the root, without the first /"),
        (
            'title = "x"\nwhatever = true\n[valid]\nhottest = 5',
            "toaster.toml:4: valid.hottest: expected one of",
        ),
        (
            'title = "x"\nwhatever = true\n[valid]\nhighest_celsius = "5"',
            "toaster.toml:4: valid.highest_celsius: expected a number from 0 up, got '5'",
        ),
        (
            'title = "x"\nwhatever = true\n[valid]\nmay_be_unknown = ["weather"]',
            "valid.may_be_unknown[0]: expected one of governor, clock,",
        ),
        (
            'title = "x"\nwhatever = true\n[[backends]]\nbackend = "abacus"\nprovider = "CPU"',
            "toaster.toml:4: backends[0].backend: expected one of litert, onnx, got 'abacus'",
        ),
        (
            'title = "x"\nwhatever = true\n[rates]\nint8_macs_per_s = 0',
            "rates.int8_macs_per_s: expected a number",
        ),
        (
            'title = "x"\nwhatever = true\n[[meters]]\nname = "y"\nkind = "guess"',
            "toaster.toml:5: meters[0].kind: expected one of counter, rails, adc, got 'guess'",
        ),
        (
            'title = "x"\nwhatever = true\n[[meters]]\nname = "y"\nkind = "adc"\npath = "sys/y"',
            "meters[0]: expected `command` for the kind adc, and `path` for the others",
        ),
        (
            'title = "x"\nwhatever = true\n[[meters]]\nname = "y"\nkind = "rails"\npath = "sys/y"',
            "meters[0]: expected `parts` for the kinds counter and rails, and none for adc",
        ),
        (
            'title = "x"\nwhatever = true\nno_meter = "z"\n[[meters]]\nname = "y"\nkind = "adc"\n'
            'command = ["y"]\ncovers = "a"\nneeds = "b"',
            "toaster.toml:1: expected either `meters` or `no_meter`",
        ),
        ('title = "x"\nwhatever = true\n[[kinds]]\nname = "y"\ntitle = "z"', "the field 'signs' is missing"),
        ("title = ", "toaster.toml:1: not TOML"),
    ],
)
def test_a_slip_in_a_file_is_told_with_its_place(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "host.toml").write_text('title = "any"\nwhatever = true\n')
    (tmp_path / "toaster.toml").write_text(text + "\n")
    with pytest.raises(DeviceError) as told:
        devices.read_devices(tmp_path)
    assert said in str(told.value)


def test_a_folder_without_devices_and_two_of_one_name_are_told(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match=r"host\.toml among them"):
        devices.read_devices(tmp_path)
    (tmp_path / "host.toml").write_text('title = "any"\nwhatever = true\n')
    kind = '[[kinds]]\nname = "b"\ntitle = "B"\nsigns = [{ path = "b" }]\n'
    (tmp_path / "a.toml").write_text('title = "A"\nsigns = [{ path = "a" }]\n' + kind)
    (tmp_path / "a-b.toml").write_text('title = "A-B"\nsigns = [{ path = "c" }]\n')
    with pytest.raises(DeviceError, match="one device named a-b"):
        devices.read_devices(tmp_path)


def test_the_list_names_every_device_and_what_it_is_known_by(capsys: pytest.CaptureFixture[str]) -> None:
    assert latency.main(["--devices"]) == 0
    shown = "".join(capsys.readouterr().out.split())
    for name, device in DEVICES.items():
        assert name in shown
        # a narrow table breaks cells into lines; words stay whole where they fit
        assert all(sign.says.split(" ")[-1] in shown for sign in device.signs)


def test_an_unknown_device_is_wrong_usage_that_lists_the_names(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        latency.main(["--device", "toaster"])
    assert stopped.value.code == 2
    said = capsys.readouterr().err
    assert all(name in said for name in DEVICES)


def test_a_board_that_was_asked_for_by_its_family_is_measured_under_its_kind(tmp_path: Path) -> None:
    files = {"proc/device-tree/model": b"NVIDIA Jetson Orin Nano Developer Kit\0"}
    found = devices.find("jetson", DEVICES, build(tmp_path, files, "aarch64", {}))
    assert found is not None and (found.name, found.family) == ("jetson-orin-nano", "jetson")
    assert found.bounds == DEVICES["jetson"].bounds and found.ways == DEVICES["jetson"].ways


def test_what_a_file_asks_of_a_machine_only_reads(tmp_path: Path) -> None:
    """A command that is not there, fails or never ends says nothing, and stops nothing."""
    assert run_command(["no-such-command-anywhere"]) is None
    assert run_command(["false"]) is None
    assert run_command(["echo", "MAXN"]) == "MAXN"
    assert System(tmp_path).read("nothing") is None and System(tmp_path).number("nothing") is None
