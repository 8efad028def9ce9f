"""Groups of photos that are copies of each other, and which of each group to keep."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from edge_iqa.backends.base import cores
from edge_iqa.errors import PhotoError
from edge_iqa.folders import explain
from edge_iqa.gallery.aliases import drop_aliases
from edge_iqa.gallery.fingerprint import Fingerprint, make_fingerprint
from edge_iqa.gallery.gallery import CANDIDATES, Gallery
from edge_iqa.gallery.judging import judge
from edge_iqa.gallery.match import Kind, Match
from edge_iqa.pool import map_in_order
from edge_iqa.report import SCHEMA, Failure

if TYPE_CHECKING:
    from edge_iqa.inspector import Inspector

Progress = Callable[[int], None]

SAME_SCORE = 1.0
"""Points within which scores count as the same; the larger photo is kept then."""
SMALLER_GAINS = 10.0
"""Points by which a copy of fewer pixels must be better than a larger one: shrinking alone hides noise and softness."""
_LARGER = 1.1
"""Times the pixels from which a photo counts as larger."""


@dataclass(frozen=True)
class Member:
    """A photo of a group.

    Attributes:
        file: as it was given.
        score: 0 to 100.
        width_px, height_px: as it is shown.
        file_bytes: size of the file.
        relation: to the photo to keep, of which it is a copy; None of that photo itself.
    """

    file: str
    score: float
    width_px: int
    height_px: int
    file_bytes: int
    relation: Match | None = None

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        relation = {} if self.relation is None else self.relation.to_dict()
        return {
            "file": self.file,
            "score": self.score,
            "width_px": self.width_px,
            "height_px": self.height_px,
            "bytes": self.file_bytes,
            **{name: relation.get(name) for name in ("kind", "distance", "likeness", "mirrored")},
        }


@dataclass(frozen=True)
class Group:
    """Copies of one photo, the one to keep: each of the others is a copy of that.

    Attributes:
        keep: the one to keep.
        others: the rest, in the order of their names.
        why: why that one is kept.
    """

    keep: Member
    others: tuple[Member, ...]
    why: str

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "keep": self.keep.to_dict(),
            "others": [member.to_dict() for member in self.others],
            "why": self.why,
        }


@dataclass(frozen=True)
class Alike:
    """Two photos, no copies, that most likely show one product: less sure.

    Attributes:
        files: both, each the one that is kept of its group.
        distance: of their embeddings.
        chance: that it is one product.
    """

    files: tuple[str, str]
    distance: float
    chance: float

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "files": list(self.files), "kind": Kind.SAME_PRODUCT.value,
            "distance": self.distance, "chance": self.chance,
        }  # fmt: skip


@dataclass(frozen=True, eq=False)
class Duplicates:
    """What was found among photos.

    Attributes:
        photos: how many were looked at, those that could not be read too; a file that has several names counts once.
        groups: of two photos or more.
        alike: pairs of groups or single photos.
        failures: photos that could not be read.
    """

    photos: int
    groups: tuple[Group, ...]
    alike: tuple[Alike, ...]
    failures: tuple[Failure, ...]

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "schema": SCHEMA,
            "photos": self.photos,
            "groups": [group.to_dict() for group in self.groups],
            "alike": [pair.to_dict() for pair in self.alike],
            "errors": [failure.to_dict() for failure in self.failures],
        }


def find_duplicates(
    inspector: Inspector,
    paths: Sequence[str],
    *,
    mirrored: bool = False,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Duplicates:
    """Group photos that are copies of each other; one that cannot be read stops none of the rest.

    Args:
        inspector: makes the fingerprints.
        paths: photos; one that is named twice, by whatever path or link, counts once.
        mirrored: photos with left and right changed count as copies too.
        jobs: photos read at the same time; None is one per core.
        progress: told how many photos are done.
    """
    paths = drop_aliases(paths)
    gallery, links, failures = Gallery(inspector), _Links(), []
    work = partial(_try, inspector)
    for done, (path, taken) in enumerate(map_in_order(work, paths, jobs or cores()), 1):
        if isinstance(taken, Fingerprint):
            for match in gallery.find(taken, CANDIDATES, mirrored=mirrored):
                links.add(path, match)
            gallery.add(taken, path)
        else:
            failures.append(Failure(path, taken))
        if progress is not None:
            progress(done)
    groups = [group for files in links.group(list(gallery)) for group in _split(gallery, files, mirrored)]
    kept = {member.file: group.keep.file for group in groups for member in (group.keep, *group.others)}
    found = tuple(group for group in groups if group.others)
    count = sum(not os.path.isdir(path) for path in paths)  # of a folder that has no photos an error is told
    return Duplicates(count, found, links.pair(kept), tuple(failures))


class _Links:
    """Which photos were found to match, and the groups that copies make."""

    def __init__(self) -> None:
        self._parents: dict[str, str] = {}
        self._alike: list[tuple[str, Match]] = []

    def add(self, file: str, match: Match) -> None:
        if match.kind is Kind.SAME_PRODUCT:
            self._alike.append((file, match))
        else:
            self._parents[self._find(file)] = self._find(match.name)

    def group(self, files: Sequence[str]) -> list[list[str]]:
        """Files by group, also groups of one, in the order of their first file."""
        groups: dict[str, list[str]] = {}
        for file in files:
            groups.setdefault(self._find(file), []).append(file)
        return list(groups.values())

    def pair(self, kept: dict[str, str]) -> tuple[Alike, ...]:
        """The nearest pair of every two groups that show one product, the surest first."""
        best: dict[frozenset[str], Match] = {}
        for file, match in self._alike:
            ends = frozenset((kept[file], kept[match.name]))
            if len(ends) == 2 and (ends not in best or match.distance < best[ends].distance):
                best[ends] = match
        pairs = []
        for ends, match in best.items():
            one, two = sorted(ends)
            pairs.append(Alike((one, two), match.distance, match.chance))
        return tuple(sorted(pairs, key=lambda pair: (pair.distance, pair.files)))

    def _find(self, file: str) -> str:
        """The file that stands for the group (R. E. Tarjan, 1975)."""
        while (parent := self._parents.setdefault(file, file)) != file:
            self._parents[file] = self._parents[parent]
            file = parent
        return file


def _try(inspector: Inspector, path: str) -> tuple[str, Fingerprint | PhotoError]:
    try:
        return path, make_fingerprint(inspector, path)
    except PhotoError as error:
        return path, explain(path) if os.path.isdir(path) else error


def _split(gallery: Gallery, files: Sequence[str], mirrored: bool) -> Iterator[Group]:
    """Groups whose members all are copies of the one to keep: copies of copies need not be that."""
    left = {file: gallery.get(file) for file in files}
    while left:
        keep, _ = _choose(left)
        related = {
            file: _relate(keep, left[keep], photo, mirrored) for file, photo in left.items() if file != keep
        }
        relations = {file: match for file, match in related.items() if match is not None}
        photos = {file: photo for file, photo in left.items() if file == keep or file in relations}
        others = tuple(_describe(file, photos[file], relations[file]) for file in sorted(relations))
        yield Group(_describe(keep, photos[keep]), others, _explain(keep, _choose(photos)[1], photos))
        left = {file: photo for file, photo in left.items() if file not in photos}


def _choose(photos: dict[str, Fingerprint]) -> tuple[str, list[str]]:
    """The one to keep: of those as good as the best, which come second, the one with most pixels, then most bytes.

    A smaller copy counts only where it is better by `SMALLER_GAINS`.
    """
    left = [file for file in photos if not _has_larger(photos[file], photos)]
    best = max(photos[file].score for file in left)
    good = [file for file in left if photos[file].score >= best - SAME_SCORE]
    keep = max(
        good, key=lambda file: (_count_pixels(photos[file]), photos[file].file_bytes, photos[file].score)
    )
    return keep, good


def _has_larger(photo: Fingerprint, photos: dict[str, Fingerprint]) -> bool:
    """Whether one of clearly more pixels is about as good."""
    return any(
        _count_pixels(other) >= _LARGER * _count_pixels(photo) and other.score >= photo.score - SMALLER_GAINS
        for other in photos.values()
    )


def _relate(keep: str, kept: Fingerprint, photo: Fingerprint, mirrored: bool) -> Match | None:
    """As what copy a photo relates to the one that is kept; None where it is none.

    Tried both ways, as either of them may have been the one that was seen first.
    """
    distance = max(0.0, 1 - float(kept.embedding @ photo.embedding))
    for one, other in ((photo, kept), (kept, photo)):
        match = judge(keep, one, one.mirror() if mirrored else None, other, distance)
        if match is not None and match.kind is not Kind.SAME_PRODUCT:
            return match
    return None


def _describe(file: str, photo: Fingerprint, relation: Match | None = None) -> Member:
    return Member(file, photo.score, photo.width_px, photo.height_px, photo.file_bytes, relation)


def _explain(keep: str, good: Sequence[str], photos: dict[str, Fingerprint]) -> str:
    photo, rest = photos[keep], [file for file in photos if file != keep]
    if not rest:
        return "the only one"
    second = max(photos[file].score for file in rest)
    if second > photo.score + SAME_SCORE:
        return (
            f"most pixels, {photo.width_px} x {photo.height_px}; score {photo.score:.1f}, and no smaller copy is "
            f"better by {SMALLER_GAINS:.0f} points"
        )
    if len(good) == 1:
        return f"best score, {photo.score:.1f}; the next has {second:.1f}"
    told = f"score {photo.score:.1f}, {'as' if len(good) == len(photos) else 'among the best, as'} good as others"
    rivals = [photos[file] for file in good if file != keep]
    if all(_count_pixels(photo) > _count_pixels(rival) for rival in rivals):
        return f"{told}, and most pixels, {photo.width_px} x {photo.height_px}"
    if all(
        photo.file_bytes > rival.file_bytes
        for rival in rivals
        if _count_pixels(rival) == _count_pixels(photo)
    ):
        return f"{told}, and the largest file of the same pixels"
    return f"{told}; nothing tells them apart, so the first one"


def _count_pixels(photo: Fingerprint) -> int:
    return photo.width_px * photo.height_px
