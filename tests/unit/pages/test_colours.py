"""The colours of the style sheet: text is legible on every ground, in both themes (WCAG 2, AA)."""

from __future__ import annotations

import re

import pytest

from pages import static_files

LEAST = 4.5
TEXTS = ("text", "muted", "accent", "ok", "bad", "busy", "wait", "off", "hold")
GROUNDS = ("bg", "panel", "soft")
NOTES = (("text", "bad-soft"), ("text", "wait-soft"), ("text", "ok-soft"), ("accent", "ok-soft"), ("panel", "accent"))
THEMES = re.findall(r"\{([^{}]*--bg:[^{}]*)\}", (static_files.FOLDER / "style.css").read_text())


def colours(theme: str) -> dict[str, str]:
    """The colours of a theme by name, each as six digits."""
    found = dict(re.findall(r"--([a-z-]+): #([0-9a-f]{3,6});", theme))
    return {name: value if len(value) == 6 else "".join(2 * one for one in value) for name, value in found.items()}


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", THEMES, ids=["light", "dark as the browser says", "dark as chosen"])
def test_text_is_legible_on_every_ground(theme: str) -> None:
    found = colours(theme)
    pairs = [(text, ground) for text in TEXTS for ground in GROUNDS] + list(NOTES)
    too_faint = {pair: round(contrast(found[pair[0]], found[pair[1]]), 2) for pair in pairs}
    assert {pair: one for pair, one in too_faint.items() if one < LEAST} == {}


def test_the_two_dark_themes_are_one() -> None:
    light, dark, chosen = map(colours, THEMES)
    assert dark == chosen
    assert light.keys() >= dark.keys()
