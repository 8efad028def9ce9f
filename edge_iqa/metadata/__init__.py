"""What a photo's file says besides its pixels: EXIF, XMP, IPTC, color profile, texts, resolution.

A repaired photo keeps it. Pixels are written upright and may have another size, so orientation, pixel
dimensions and thumbnail are brought into line; the place can be left out.

Blocks are carried as they are, not decoded and written anew: what a maker of cameras put there stays.
Only what must change is changed, in place, so that no offset inside a block moves.
"""

from __future__ import annotations

from dataclasses import replace

from edge_iqa.metadata import exif, iptc, xmp
from edge_iqa.metadata.containers import Metadata, embed, read
from edge_iqa.metadata.in_place import strip_location, tells_place

__all__ = ["Metadata", "embed", "prepare", "read", "strip_location"]


def prepare(
    metadata: Metadata, width_px: int, height_px: int, *, keep_profile: bool, strip_location: bool = False
) -> Metadata:
    """Bring metadata into line with the pixels that will be written: upright, of this size.

    Args:
        metadata: of the source.
        width_px, height_px: of what will be written.
        keep_profile: the pixels are still in the profile's space; without it they are sRGB.
        strip_location: leave out where the photo was taken.

    Returns:
        What shall be written. A block that cannot be read safely is left out whole, and a note says so.
    """
    notes = list(metadata.notes)
    changed = {"exif": metadata.exif, "xmp": metadata.xmp, "iptc": metadata.iptc}
    to_srgb = metadata.icc is not None and not keep_profile
    if metadata.exif is not None:
        changed["exif"] = exif.update(
            metadata.exif, width_px, height_px, strip_location=strip_location, to_srgb=to_srgb
        )
    if metadata.xmp is not None:
        changed["xmp"] = xmp.update(metadata.xmp, width_px, height_px, strip_location)
    if metadata.iptc is not None:
        changed["iptc"] = iptc.update(metadata.iptc, strip_location)
    for name, block in changed.items():
        if block is None and getattr(metadata, name) is not None:
            notes.append(f"{name.upper()} could not be read safely and was left out")
    texts = metadata.texts
    if strip_location:
        texts = tuple(each for each in texts if not tells_place(*each))
        if len(texts) < len(metadata.texts):
            notes.append("texts that may tell the place were left out")
    return replace(
        metadata,
        exif=changed["exif"],
        xmp=changed["xmp"],
        iptc=changed["iptc"],
        icc=metadata.icc if keep_profile else None,
        texts=texts,
        notes=tuple(notes),
    )
