"""What `edge-iqa duplicates` and `edge-iqa gallery` tell people, in lines."""

from __future__ import annotations

from edge_iqa.gallery.duplicates import Alike, Duplicates, Group, Member
from edge_iqa.gallery.match import Kind, Match
from edge_iqa.table import make_printable


def format_duplicates(found: Duplicates) -> str:
    """All groups, then what is less sure, then a summary."""
    lines = [line for group in found.groups for line in _format_group(group)]
    if found.alike:
        lines.append("Same product, other view (less sure):")
        lines += [_format_alike(pair) for pair in found.alike]
    copies = sum(len(group.others) for group in found.groups)
    lines.append(
        f"{_count(found.photos, 'photo')}: {_count(len(found.groups), 'group')} of copies, {copies} to spare; "
        f"{_count(len(found.alike), 'pair')} that may show one product; {_count(len(found.failures), 'error')}"
    )
    return "\n".join(lines)


def format_matches(file: str, matches: list[Match]) -> str:
    """What a photo was found to be, a line each."""
    if not matches:
        return make_printable(f"{file}: not in the gallery")
    lines = [make_printable(f"{file}: {_tell(matches)}")]
    return "\n".join([*lines, *(f"  {format_match(match)}" for match in matches)])


def format_match(match: Match) -> str:
    """One photo of the gallery: kind, name and distance."""
    sure = f", chance {match.chance:.0%}" if match.kind is Kind.SAME_PRODUCT else ""
    mirrored = ", mirrored" if match.mirrored else ""
    return make_printable(f"{match.kind}: {match.name} (distance {match.distance:.3f}{sure}{mirrored})")


def _tell(matches: list[Match]) -> str:
    if matches[0].kind is Kind.SAME_PRODUCT:
        return "no copy in the gallery; it may show the same product as"
    return "in the gallery already"


def _format_group(group: Group) -> list[str]:
    lines = [f"keep  {group.keep.file}  {_size(group.keep)}: {group.why}"]
    for member in group.others:
        relation = member.relation
        told = "" if relation is None else f"{relation.kind}{', mirrored' if relation.mirrored else ''}"
        distance = 0.0 if relation is None else relation.distance
        lines.append(
            f"  {told:<5}  {member.file}  {_size(member)}, score {member.score:.1f} (distance {distance:.3f})"
        )
    return [make_printable(line) for line in lines]


def _size(member: Member) -> str:
    return f"{member.width_px}x{member.height_px}"


def _format_alike(pair: Alike) -> str:
    return make_printable(
        f"  {pair.files[0]}  {pair.files[1]} (distance {pair.distance:.3f}, chance {pair.chance:.0%})"
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
