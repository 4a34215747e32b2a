"""Labels as an address says them: "name:value", several of them a line each. Pure.

"-name:value" leaves out what is labelled so, "-name" what has such a label at all. What would be taken for the end of a line or of
the text, and "%", stands in a value as %0A does in an address.
"""

import re
from urllib.parse import quote, unquote

_UNSAFE = re.compile(r"[%\x00-\x1f\x7f-\x9f\u2028\u2029]|^\s|\s\Z")
_LINE_END = re.compile(r"\r\n|\r|\n")


def written(*words: str) -> str:
    """``words`` ("name:value", the value as it is) as one text that `read` gives back."""
    return "\n".join(_UNSAFE.sub(lambda found: quote(found[0]), word) for word in words)


def read(text: str) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """What an event must be labelled with, and what it must not be labelled with: (name, value), "" for any value."""
    wanted, left_out = {}, []
    for line in _LINE_END.split(text):
        name, _, value = line.removeprefix("-").partition(":")
        if name and line.startswith("-"):
            left_out.append((name, unquote(value)))
        elif name and value:
            wanted[name] = unquote(value)
    return wanted, left_out


def told(text: str) -> list[str]:
    """For people: a sentence's worth for each."""
    wanted, left_out = read(text)
    return [f"{name}: {value}" for name, value in wanted.items()] + [
        f"not {name}: {value}" if value else f"no {name}" for name, value in left_out
    ]
