"""Names of the texts that a page needs; each catalog in `edge_iqa/words/` has all of them."""

from __future__ import annotations

PAGE = (
    # head and tools
    "title", "made", "photos", "policy", "bundle", "experimental", "help", "show_map", "map_of", "show_boxes",
    "open_all", "close_all", "nothing_shown", "overall",
    # many photos
    "batch", "filter_verdict", "filter_code", "all_causes", "search", "sort", "sort_number", "sort_worst",
    "sort_best", "sort_name", "shown", "histogram_alt",
    # pictures
    "photo_alt", "box_cause", "box_product", "map_alt", "map_alt_flat", "map_about", "map_flat",
    # causes
    "sure", "causes", "no_causes", "severity", "confidence", "gain", "hint", "fixable", "attributes", "failure",
    # repair
    "repair", "repair_left", "repair_verdict", "repair_about", "before", "after", "change", "slider", "slider_help",
    # rules and measurements
    "rules", "column_status", "column_rule", "column_measured", "column_bound", "column_weight",
    "column_source", "status_held", "status_broken", "status_not_measured", "status_upcoming", "weight_must",
    "weight_should", "source", "source_unverified", "source_own", "format", "from_day", "read_on", "measurements",
    "category", "judged_by",
)  # fmt: skip
"""Table `page`."""

ATTRIBUTES = ("sharpness", "exposure", "contrast", "color", "noise", "detail")
"""Table `attributes`: those that bundles are made for."""

OUTCOMES = ("accept", "fix", "retake", "review", "failed")
"""Table `verdicts`: with what stands for a photo that could not be judged."""
