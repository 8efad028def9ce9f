"""A program named `adb` with a phone behind it: its shell is this machine's, over a folder with the phone's files.

What it prints has the form of the real ones: `adb devices` and its states as Android's documentation has them
(https://developer.android.com/tools/adb), `dumpsys thermalservice` as captured on a phone with Android 16, and
benchmark_model as in https://github.com/google/XNNPACK/issues/999 and
https://github.com/tensorflow/tensorflow/issues/73862; the percentiles of newer ones as
https://github.com/tensorflow/tensorflow `core/util/stats_calculator.h` writes them.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ADB = """#!{python} -ES
import os, re, subprocess, sys
root = {root!r}
arguments = sys.argv[1:]
with open(root + "/calls", "a") as calls:
    calls.write(repr(arguments) + "\\n")
devices = open(root + "/devices").read()
if arguments == ["devices"]:
    print("* daemon not running; starting now at tcp:5037\\n* daemon started successfully", file=sys.stderr)
    print("List of devices attached\\n" + devices)
    sys.exit()
if os.path.exists(root + "/lost"):
    sys.exit("error: device 'PHONE1' not found")
assert arguments[:2] == ["-s", "PHONE1"], arguments
def inside(text):
    return re.sub(r"(?<![\\w/])/(sys|proc|data)/", root + r"/\\1/", text)
if arguments[2] == "push":
    open(inside(arguments[4]), "wb").write(open(arguments[3], "rb").read())
    print(arguments[3] + ": 1 file pushed, 0 skipped.")
    sys.exit()
assert arguments[2] == "shell" and len(arguments) == 4, arguments
done = subprocess.run(["/bin/sh", "-c", inside(arguments[3])], capture_output=True, text=True,
    env={{"PATH": root + "/bin"}})
sys.stdout.write(done.stdout.replace(root, ""))
sys.stderr.write(done.stderr)
sys.exit(done.returncode)
"""
GETPROP = """#!/bin/sh
case "$1" in
    ro.build.version.sdk) echo 34;;
    ro.build.version.release) echo 14;;
    ro.product.model) echo 'Phone 8';;
    ro.product.manufacturer) echo Maker;;
    ro.soc.model) echo SOC9;;
    ro.kernel.qemu) cat {root}/emulator 2>/dev/null;;
esac
exit 0
"""
DUMPSYS = """#!/bin/sh
[ "$1" = battery ] && printf 'Current Battery Service state:\\n  status: %s\\n  level: 84\\n' {status}
[ "$1" = thermalservice ] && cat {root}/thermal
exit 0
"""
THERMAL = """IsStatusOverride: false
Thermal Status: 0
Cached temperatures:
\tTemperature{mValue=94.208, mType=0, mName=CPU, mStatus=0}
HAL Ready: true
Current temperatures from HAL:
\tTemperature{mValue=57.9, mType=0, mName=CPU, mStatus=0}
\tTemperature{mValue=34.351, mType=3, mName=SKIN, mStatus=0}
"""
# by the phone's own clock, /proc/stat, it takes two hundredths of a second, all of them on the last core
BENCHMARK_MODEL = """#!{python} -ES
import os, sys, time
root = {root!r}
delegate = next((word for word in sys.argv if word.startswith("--use_")), "")
calls = root + ("/handed_over" if delegate else "/passes")
number = len(open(calls).readlines()) if os.path.exists(calls) else 0
open(calls, "a").write(" ".join(sys.argv[1:]) + "\\n")
if number == {lost_after} and not delegate:
    open(root + "/lost", "w").close()
graph = next(word[8:] for word in sys.argv if word.startswith("--graph="))
if not os.path.exists(graph):
    print("ERROR: Could not open '" + graph + "'.\\nERROR: Failed to load model.")
    sys.exit(1)
end = time.process_time() + 0.03
while time.process_time() < end:
    pass
time.sleep(0 if delegate else 0.25)
rows = [line.split() for line in open(root + "/proc/stat").read().splitlines()]
for row in rows[1:]:
    column = 1 if row is rows[-1] else 4
    row[column] = str(int(row[column]) + 2)
open(root + "/proc/stat", "w").write("\\n".join(map(" ".join, rows)) + "\\n")
mean = {mean_us} + 10 * (number % 3)
if delegate:
    mean /= 4
    print({delegates!r}.get(delegate, "INFO: GPU acceleration is unsupported on this platform."))
print(f\"\"\"INFO: STARTING!
INFO: Log parameter values verbosely: [0]
INFO: Min num runs: [5]
INFO: Graph: [{{graph}}]
INFO: Loaded model {{graph}}
INFO: Created TensorFlow Lite XNNPACK delegate for CPU.
INFO: The input model file size (MB): 1.2
INFO: Initialized session in 12.75ms.
INFO: Running benchmark for at least 5 iterations and at least 0.5 seconds but terminate if exceeding 150 seconds.
INFO: count=37 first=14744 curr=15520 min=13164 max=18295 avg=13764.3 std=967 p5=13200 median=13700 p95=14100

INFO: Running benchmark for at least 5 iterations and at least 1 seconds but terminate if exceeding 150 seconds.
INFO: count=74 first=14850 curr=13315 min=13105 max=15765 avg={{mean}} std=470 p5=13150 median=13400 p95=14000

INFO: Inference timings in us: Init: 12750, First inference: 14744, Warmup (avg): 13764.3, Inference (avg): {{mean}}
INFO: Note: as the benchmark tool itself affects memory footprint, the following is only APPROXIMATE to the actual memory footprint of the model at runtime. Take the information at your discretion.
INFO: Memory footprint delta from the start of the tool (MB): init=8.97656 overall=18.7227\"\"\")
"""  # noqa: E501
CORES = range(4)
NONE: Mapping[str, str] = {}
# as in https://github.com/tensorflow/tensorflow/issues/43541 and .../56301
DELEGATES = {
    "--use_gpu=true": "INFO: Explicitly applied GPU delegate, and the model graph will be completely executed by the "
    "delegate.",
    "--use_nnapi=true": "INFO: Though NNAPI delegate is explicitly applied, the model graph will not be executed by "
    "the delegate.",
}


@dataclass(frozen=True)
class FakePhone:
    """Files of the phone below `root`; `environment` finds its adb."""

    root: Path
    environment: dict[str, str]

    def put(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def put_program(self, path: str, text: str) -> None:
        self.put(path, text)
        (self.root / path).chmod(stat.S_IRWXU)

    def passes(self) -> list[str]:
        """Arguments of each call of benchmark_model."""
        path = self.root / "passes"
        return path.read_text().splitlines() if path.exists() else []

    def leftovers(self) -> list[str]:
        return sorted(path.name for path in (self.root / "data/local/tmp").iterdir())


def make_program(
    phone: FakePhone, mean_us: float = 13520.2, lost_after: int = -1, delegates: Mapping[str, str] = NONE
) -> str:
    """Text of a benchmark_model.

    Args:
        lost_after: the phone is lost in the pass of that number.
        delegates: option that asks for one → what it says then; with one it takes a quarter of the time.
    """
    return BENCHMARK_MODEL.format(
        python=sys.executable,
        root=str(phone.root),
        mean_us=mean_us,
        lost_after=lost_after,
        delegates=dict(delegates),
    )


def make_phone(folder: Path) -> FakePhone:
    """A quiet phone on mains, whose last two cores are fast, with benchmark_model in its place."""
    root = folder / "phone"
    phone = FakePhone(root, {**os.environ, "PATH": f"{folder / 'computer'}:{os.environ['PATH']}"})
    phone.put("devices", "PHONE1\tdevice\n")
    phone.put_program("bin/getprop", GETPROP.format(root=root))
    phone.put_program("bin/dumpsys", DUMPSYS.format(root=root, status=2))
    phone.put_program("bin/settings", "#!/bin/sh\necho 0\n")
    phone.put_program("bin/uname", "#!/bin/sh\necho aarch64\n")
    phone.put_program("bin/taskset", '#!/bin/sh\necho "$1" >>' + f"{root}/masks\n" + 'shift\nexec "$@"\n')
    for name in ("cat", "chmod", "grep", "mktemp", "rm"):
        (root / "bin" / name).symlink_to(shutil.which(name))
    phone.put("thermal", THERMAL)
    for core in CORES:
        folder_of = f"sys/devices/system/cpu/cpu{core}/cpufreq"
        top = 2_800_000 if core >= 2 else 1_800_000
        phone.put(f"{folder_of}/scaling_governor", "schedutil\n")
        for name in ("scaling_cur_freq", "scaling_max_freq", "cpuinfo_max_freq"):
            phone.put(f"{folder_of}/{name}", f"{top}\n")
    phone.put("sys/devices/system/cpu/present", f"0-{CORES[-1]}\n")
    phone.put("proc/meminfo", "MemTotal:        7900000 kB\nMemAvailable:    4000000 kB\n")
    phone.put("proc/swaps", "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n")
    phone.put("proc/vmstat", "pswpin 0\npswpout 0\n")
    phone.put("proc/loadavg", "0.10 0.20 0.30 1/900 1234\n")
    ticks = "\n".join(f"cpu{core} 100 0 100 1000 0 0 0 0 0 0" for core in CORES)
    phone.put("proc/stat", f"cpu  400 0 400 4000 0 0 0 0 0 0\n{ticks}\n")
    (root / "data/local/tmp").mkdir(parents=True)
    phone.put_program("data/local/tmp/benchmark_model", make_program(phone))
    (folder / "computer").mkdir()
    adb = folder / "computer" / "adb"
    adb.write_text(ADB.format(python=sys.executable, root=str(root)))
    adb.chmod(stat.S_IRWXU)
    return phone
