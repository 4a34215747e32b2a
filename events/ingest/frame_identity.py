"""What of a stack frame stays the same from release to release: where the code lives and what it is called."""

import re
from functools import lru_cache
from typing import Final, NamedTuple

from events.ingest.types import Frame

# Part of the identity of an issue: a change here needs a new FINGERPRINT_VERSION in events/ingest/fingerprint.py.

_MAX_CONTEXT_LINE: Final = 120
# Longer names are generated ones, and the cache below must stay small.
_MAX_NAME: Final = 300

_ANONYMOUS: Final = frozenset({
    "", "?", "<anonymous>", "anonymous", "<unknown>", "<lambda>", "lambda", "{closure}", "<listcomp>", "<genexpr>",
    "<dictcomp>", "<setcomp>", "eval", "{main}", "Object.<anonymous>", "Module.<anonymous>", "func", "(anonymous)",
})  # fmt: skip
_UNNAMED_FILES: Final = frozenset(
    {"", "<anonymous>", "[native code]", "native", "[internal function]", "<string>", "<stdin>"}
)

_SCRIPT = re.compile(r"\.(?:[cm]?jsx?|tsx?|css|bundle)\Z", re.IGNORECASE)
# app.3f2a9c1b.js, main-0a1b2c3d4e5f.chunk.js: at least one digit, or "facade" would be a hash.
_HEX_HASH = re.compile(r"[.~_-](?=[a-f]{0,40}[0-9])[0-9a-f]{6,40}(?=[.~_-])", re.IGNORECASE)
# index-DiwrgTda.js: eight or more of base64 with a digit or an inner capital, or "-settings" would be a hash.
_BASE64_HASH = re.compile(r"-(?=[\w-]{1,20}[0-9A-Z])[\w-]{8,22}(?=\.[cm]?jsx?\Z)", re.ASCII)
# 8712.js is a chunk that the bundler numbered; 404.js and 500.js are pages that people wrote.
_NUMBERED_CHUNK = re.compile(r"\A(?!(?:404|500)\.)\d+(?=[.~_-])")

_GENERATED_CLASS = re.compile(
    r"\$\$(?:Lambda|EnhancerBy|FastClassBy|SpringCGLIB|HibernateProxy|_javassist)[\w$/.]*"
    r"|(?<=Accessor)\d+|(?<=\$Proxy)\d+|@[0-9a-f]{6,16}\b|/0x[0-9a-f]+",
    re.ASCII,
)
_CALL_PREFIX = re.compile(
    r"\A(?:(?:async|new|get|set|bound|static) |(?:Object|Module|exports|module\.exports|window|self|globalThis)\.)+"
)
_RUBY_BLOCK = re.compile(r"\A(?:(?:block(?: \(\d+ levels\))?|rescue|ensure) in )+")
_TEMPLATE_NUMBERS = re.compile(r"_{2,}\d+_\d+\Z")
_NUMBERED_TAIL = re.compile(r"(?:[$-]\d+|(?<=\.func)\d+(?:\.\d+)*|\.\d+)\Z")
_CLOSURE = re.compile(r"\{closure[^}]*\}|\{\{closure\}\}")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]+")
_SPACE = re.compile(r"\s+")


class FrameIdentity(NamedTuple):
    """``text`` is empty when the frame says nothing that could be compared."""

    text: str
    why: str = ""


def identify(frame: Frame) -> FrameIdentity:
    """``module-or-basename:function``; where the function has no name, its source line stands for it."""
    place = _place(frame.get("module", "")[:_MAX_NAME], frame.get("filename", "")[-_MAX_NAME:])
    function = _function(frame.get("function", "")[:_MAX_NAME])
    if function:
        return FrameIdentity(f"{place}:{function}", "line numbers are never used")
    line = _SPACE.sub(" ", frame.get("context_line", "")).strip()
    if line and len(line) <= _MAX_CONTEXT_LINE:
        return FrameIdentity(f"{place}:{line}", "function name is anonymous, context line used instead")
    if not place:
        return FrameIdentity("")
    why = "function name is anonymous and " + ("its context line is too long" if line else "there is no context line")
    return FrameIdentity(f"{place}:<anonymous>", why)


@lru_cache(maxsize=8_192)
def _place(module: str, filename: str) -> str:
    """The module when there is one, else the file's own name without the hashes that bundlers put into it."""
    if module and "://" not in module and module not in _UNNAMED_FILES:
        return _GENERATED_CLASS.sub("<generated>", module)
    name = filename.partition("?")[0].partition("#")[0].replace("\\", "/").rstrip("/").rpartition("/")[2]
    if filename in _UNNAMED_FILES or name in _UNNAMED_FILES:
        return ""
    if _SCRIPT.search(name):
        name = _BASE64_HASH.sub("", _HEX_HASH.sub("", name))
        name = _NUMBERED_CHUNK.sub("<chunk>", name)
    return name.lower()


@lru_cache(maxsize=8_192)
def _function(name: str) -> str:
    """The function's name without what compilers and engines number; empty for one that has no name."""
    name = name.strip()
    if name in _ANONYMOUS or _CLOSURE.fullmatch(name) or name.startswith("class@anonymous"):
        return ""
    name = _TEMPLATE_NUMBERS.sub("", _RUBY_BLOCK.sub("", _CALL_PREFIX.sub("", name)))
    name = _NUMBERED_TAIL.sub("", _CLOSURE.sub("{closure}", name))
    name = _ADDRESS.sub("<hex>", name)
    return "" if name in _ANONYMOUS else name
