"""The policies that come along hold the marketplaces' bounds, and say where each was read."""

from __future__ import annotations

import datetime
import json
import subprocess
import sys
from pathlib import Path

import pytest

from edge_iqa.cli import main
from edge_iqa.measurement import MEASURES, Measurement
from edge_iqa.policy import DEFAULT, list_policies, open_policy
from edge_iqa.report import RuleResult

MARKETS = ("amazon-main", "ebay", "etsy", "google-merchant", "shopify", "tiktok-shop", "walmart")
TODAY = datetime.date(2026, 11, 26)
LATER = datetime.date(2027, 1, 31)

# What the marketplaces ask for, written down apart from the policies: value that holds, value that breaks, severity.
BOUNDS = [
    ("amazon-main", "long_side_px", 500, 499, "must", TODAY),
    ("amazon-main", "long_side_px", 1000, 999, "should", TODAY),
    ("amazon-main", "long_side_px", 10_000, 10_001, "must", TODAY),
    ("amazon-main", "background_white", 1.0, 0.9, "must", TODAY),
    ("amazon-main", "fill", 0.85, 0.84, "must", TODAY),
    ("amazon-main", "file_bytes", 10_000_000, 10_500_000, "must", TODAY),
    ("amazon-main", "overlay", 0.0, 0.02, "must", TODAY),
    ("amazon-main", "border", 0.0, 0.02, "must", TODAY),
    ("amazon-main", "cut_off", 0.0, 0.02, "must", TODAY),
    ("google-merchant", "short_side_px", 100, 99, "must", TODAY),
    ("google-merchant", "short_side_px", 250, 249, "should", TODAY),
    ("google-merchant", "short_side_px", 500, 499, "should", TODAY),
    ("google-merchant", "short_side_px", 500, 499, "must", LATER),
    ("google-merchant", "pixels", 64_000_000, 64_000_001, "must", TODAY),
    ("google-merchant", "background_brightness", 100, 60, "should", TODAY),
    ("google-merchant", "fill", 0.75, 0.74, "should", TODAY),
    ("google-merchant", "fill", 0.9, 0.91, "should", TODAY),
    ("google-merchant", "file_bytes", 16_000_000, 16_800_000, "must", TODAY),
    ("google-merchant", "overlay", 0.0, 0.02, "must", TODAY),
    ("google-merchant", "border", 0.0, 0.02, "must", TODAY),
    ("google-merchant", "upscaled", 1.0, 1.6, "must", TODAY),
    ("walmart", "short_side_px", 2200, 2199, "should", TODAY),
    ("walmart", "short_side_px", 1500, 1499, "should", TODAY),
    ("walmart", "aspect_ratio", 1.0, 1.05, "must", TODAY),
    ("walmart", "aspect_ratio", 1.0, 0.95, "must", TODAY),
    ("walmart", "background_white", 1.0, 0.9, "must", TODAY),
    ("walmart", "file_bytes", 5_000_000, 5_250_000, "must", TODAY),
    ("ebay", "long_side_px", 500, 499, "must", TODAY),
    ("ebay", "long_side_px", 1600, 1599, "should", TODAY),
    ("ebay", "border", 0.0, 0.02, "must", TODAY),
    ("ebay", "overlay", 0.0, 0.02, "must", TODAY),
    ("tiktok-shop", "short_side_px", 600, 599, "must", TODAY),
    ("tiktok-shop", "aspect_ratio", 1.0, 0.95, "must", TODAY),
    ("tiktok-shop", "background_white", 1.0, 0.9, "must", TODAY),
    ("tiktok-shop", "fill", 0.8, 0.79, "must", TODAY),
    ("tiktok-shop", "file_bytes", 5_000_000, 5_250_000, "must", TODAY),
    ("tiktok-shop", "overlay", 0.0, 0.02, "must", TODAY),
    ("tiktok-shop", "saturation", 5.0, 0.0, "should", TODAY),
    ("etsy", "short_side_px", 2000, 1999, "should", TODAY),
    ("shopify", "short_side_px", 2048, 2047, "should", TODAY),
    ("shopify", "file_bytes", 20_000_000, 21_000_000, "must", TODAY),
]
FORMATS = [
    ("amazon-main", {"jpeg", "png", "tiff", "gif"}),
    ("walmart", {"jpeg", "png", "bmp"}),
]
EVERY_FORMAT = {"jpeg", "png", "gif", "bmp", "webp", "tiff", "heif"}


def _check(policy: str, measure: str, value: float, day: datetime.date) -> dict[str, RuleResult]:
    results = open_policy(policy).check({measure: Measurement(value, MEASURES[measure].unit)}, None, day)
    return {each.rule: each for each in results if each.measure == measure}


@pytest.mark.parametrize(("policy", "measure", "good", "bad", "severity", "day"), BOUNDS)
def test_a_bound_of_a_marketplace_stands_in_its_policy(
    policy: str, measure: str, good: float, bad: float, severity: str, day: datetime.date
) -> None:
    held, broken = _check(policy, measure, good, day), _check(policy, measure, bad, day)
    turned = [
        rule
        for rule, result in broken.items()
        if result.status == "broken" and held[rule].status == "held" and result.severity == severity
    ]
    assert turned, f"no rule tells {bad} from {good}"


@pytest.mark.parametrize(("policy", "taken"), FORMATS)
def test_the_formats_of_a_marketplace_stand_in_its_policy(policy: str, taken: set[str]) -> None:
    for name in EVERY_FORMAT:
        (result,) = (each for each in open_policy(policy).check({}, name, TODAY) if each.measure == "format")
        assert result.status == ("held" if name in taken else "broken")


def test_google_asks_for_500_pixels_from_the_last_of_january_on() -> None:
    def statuses(day: datetime.date) -> dict[str, str]:
        return {
            result.severity: result.status
            for result in _check("google-merchant", "short_side_px", 499, day).values()
            if result.bound == ">= 500 px"
        }

    day = datetime.timedelta(1)
    assert statuses(datetime.date(2026, 4, 13)) == {"should": "upcoming", "must": "upcoming"}
    assert statuses(datetime.date(2026, 4, 14)) == {"should": "broken", "must": "upcoming"}
    assert statuses(LATER - day) == {"should": "broken", "must": "upcoming"}
    assert statuses(LATER) == {"must": "broken"}


def test_these_policies_come_along_and_can_be_opened() -> None:
    assert list_policies() == sorted([*MARKETS, DEFAULT])
    for name in list_policies():
        policy = open_policy(name)
        assert policy.name == name and policy.title and policy.rules
        assert len(policy.check({}, None, TODAY)) > 0


@pytest.mark.parametrize("name", MARKETS)
def test_every_rule_of_a_marketplace_says_where_it_was_read(name: str) -> None:
    for rule in open_policy(name).rules:
        if rule.source == "unverified":
            assert rule.read is None
        else:
            assert rule.source.startswith("https://") and rule.read is not None and rule.read <= TODAY


def test_the_general_policy_gives_advice_and_refuses_next_to_nothing() -> None:
    rules = open_policy(DEFAULT).rules
    assert [rule.id for rule in rules if rule.severity == "must"] == ["short-side"]
    smallest = min(
        rule.at_least
        for name in MARKETS
        for rule in open_policy(name).rules
        if rule.measure.endswith("side_px") and rule.severity == "must" and rule.at_least
    )
    assert rules[0].at_least is not None and rules[0].at_least <= smallest


def test_the_table_lists_every_policy(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policies"]) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["NAME", "MUST", "SHOULD", "UNVERIFIED", "TITLE"]
    assert [row.split()[0] for row in rows] == list_policies()
    etsy = next(row for row in rows if row.startswith("etsy"))
    assert etsy.split()[1:] == ["0", "1", "1", "Etsy"]


def test_one_policy_shows_every_rule_that_has_not_ended(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policies", "ebay"]) == 0
    title, head, *rows = capsys.readouterr().out.splitlines()
    assert title == "ebay: eBay" and head.split()[0] == "RULE"
    rules = open_policy("ebay").rules
    assert len(rows) == len(rules)
    for row, rule in zip(rows, rules, strict=True):
        assert row.startswith(rule.id) and rule.bound in row and rule.severity in row
        assert row.endswith(rule.source)


def test_programs_are_told_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policies", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [policy["name"] for policy in told["policies"]] == list_policies()
    assert main(["policies", "google-merchant", "--json"]) == 0
    one = json.loads(capsys.readouterr().out)
    assert one in told["policies"]
    rule = next(rule for rule in one["rules"] if rule["id"] == "short-side")
    assert (rule["at_least"], rule["starts"], rule["bound"]) == (500, "2027-01-31", ">= 500 px")


def test_a_policy_that_cannot_be_read_is_wrong_usage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "shop.toml"
    path.write_text('[[rules]]\nmeasure = "size"\n')
    assert main(["policies", str(path)]) == 2
    assert capsys.readouterr().err.startswith(f"edge-iqa: {path}:2: rules[0].measure: expected one of ")


def test_a_title_in_any_language_is_shown_on_a_terminal_of_ascii(tmp_path: Path) -> None:
    path = tmp_path / "shop.toml"
    path.write_text('title = "我们的店"\n[thresholds]\naccept = 0.75\n', encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "edge_iqa", "policies", str(path)],
        capture_output=True, text=True, timeout=60, env={"LC_ALL": "C", "PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "\\u6211" in done.stdout and "score accept: >= 75 of 100" in done.stdout


def test_policies_are_shown_without_opencv_and_a_runtime() -> None:
    code = "import sys; from edge_iqa.cli import main; main(['policies']); print(sorted(sys.modules), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert not {"'cv2'", "'torch'", "'onnxruntime'"} & set(done.stderr.strip("[]\n").split(", "))
