"""Reads HTML as tests need it: strictly, and with the colours that it has on light and on dark screens."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element

import html5lib

_DARK = re.compile(r"@media \(prefers-color-scheme: dark\) \{(.*?)\n\}", re.DOTALL)
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_HEX = re.compile(r"#([0-9a-f]{6})")


def parsed(html: str) -> Element:
    """Raises for anything that is not valid HTML to a parser."""
    found: Element = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(html)
    return found


@dataclass(frozen=True)
class Painted:
    """A text with its colour and the one behind it, as six digits each."""

    text: str
    colour: str
    behind: str


def painted(html: str, *, is_dark: bool) -> Iterator[Painted]:
    """Every text that is shown, as the styles at the elements and the rules for dark screens colour it."""
    page = parsed(html)
    rules = _dark_rules(page) if is_dark else []
    body = page.find("body")
    assert body is not None
    yield from _painted(body, rules, "000000", "ffffff")


def _painted(element: Element, rules: list[tuple[str, dict[str, str]]], colour: str, behind: str) -> Iterator[Painted]:
    if "preview" in _classes(element) or not isinstance(element.tag, str):
        return
    style = _declared(element.get("style") or "")
    for selector, declared in rules:
        if selector == element.tag or selector.removeprefix(".") in _classes(element):
            style |= declared
    colour, behind = style.get("color", colour), style.get("background-color", behind)
    if element.tag == "img":
        yield Painted(element.get("alt") or "", colour, behind)
    if (element.text or "").strip():
        yield Painted((element.text or "").strip(), colour, behind)
    for child in element:
        yield from _painted(child, rules, colour, behind)
        if (child.tail or "").strip():
            yield Painted((child.tail or "").strip(), colour, behind)


def _classes(element: Element) -> list[str]:
    return (element.get("class") or "").split()


def _dark_rules(page: Element) -> list[tuple[str, dict[str, str]]]:
    text = "".join(style.text or "" for style in page.iter("style"))
    (dark,) = _DARK.findall(text)
    return [
        (selector.strip(), _declared(declarations))
        for selectors, declarations in _RULE.findall(dark)
        for selector in selectors.split(",")
    ]


def _declared(style: str) -> dict[str, str]:
    made = {}
    for part in style.split(";"):
        name, _, value = part.partition(":")
        if (name.strip() in ("color", "background-color")) and (hexed := _HEX.search(value)):
            made[name.strip()] = hexed[1]
    return made


def contrast(one: str, other: str) -> float:
    """WCAG's: 1 to 21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
