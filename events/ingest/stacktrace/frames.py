"""What every dialect shares: building a frame, deciding whether it is ours, and keeping a chain within bounds."""

import re
from typing import Final

from events.ingest.types import ExceptionValue, Frame

MAX_FRAMES: Final = 100
MAX_EXCEPTIONS: Final = 10
MAX_NAME_LENGTH: Final = 500
MAX_FILENAME_LENGTH: Final = 1_000
MAX_VALUE_LENGTH: Final = 8_192
# Larger numbers are no line or column of any file, and would not fit the integers of a database.
MAX_POSITION: Final = 2**31 - 1

# Paths are compared lower-cased, with forward slashes and one in front, so that "vendor/x" and "/app/vendor/x" agree.
_LIBRARY_PATH = re.compile(
    r"/(?:site-packages|dist-packages|node_modules|bower_components|vendor|gems|rubygems|rubies)/"
    r"|/lib(?:64)?/(?:python[\d.]{1,6}|ruby)/"
    r"|/go/pkg/mod/|/go/src/(?:runtime|net|internal|reflect|testing|encoding|database|sync|io|os)/|/usr/local/go/|/libexec/src/"
    r"|/next/dist/|/webpack/(?:bootstrap|runtime|before-startup|startup)|/webpack-runtime|/polyfills?[-.]"
    r"|^/(?:node:|internal/|<frozen |\[native code\]|\[internal|<anonymous>|native$|<internal:)"
    r"|^/(?:chrome|moz|safari|safari-web|ms-browser)-extension:"
)
# Module names say it where files carry no path (JVM, .NET); other languages have their paths above.
_LIBRARY_MODULES = (
    "java.", "javax.", "jakarta.", "jdk.", "sun.", "com.sun.", "kotlin.", "kotlinx.", "scala.", "groovy.", "clojure.",
    "org.springframework.", "org.apache.", "org.hibernate.", "org.eclipse.jetty.", "org.jboss.", "org.junit.",
    "org.codehaus.groovy.", "io.netty.", "io.undertow.", "io.ktor.", "io.micrometer.", "reactor.", "okhttp3.", "okio.",
    "com.fasterxml.", "com.google.common.", "com.zaxxer.", "com.mysql.", "org.postgresql.", "retrofit2.", "rx.",
    "android.", "androidx.", "dalvik.", "com.android.", "System.", "Microsoft.", "Npgsql.", "MySql.", "Newtonsoft.",
)  # fmt: skip
_PATH_LANGUAGES = (".py", ".js", ".mjs", ".cjs", ".jsx", ".ts", ".tsx", ".rb", ".php", ".go")


def is_in_app(*, filename: str, module: str = "") -> bool:
    """Whether a frame belongs to the service itself and not to its language, its libraries or a browser extension."""
    path = "/" + filename.lower().replace("\\", "/").lstrip("/")
    if _LIBRARY_PATH.search(path):
        return False
    if module and not path.endswith(_PATH_LANGUAGES):
        return not module.startswith(_LIBRARY_MODULES)
    return True


def position(value: object) -> int | None:
    """A line or column number as an int, or None for what cannot be one; digits in a string are read."""
    if isinstance(value, str):
        if not (value.isascii() and value.isdigit() and len(value) <= 10):
            return None
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= MAX_POSITION else None


def frame(
    *, function: str = "", filename: str = "", module: str = "", line: object = None, column: object = None
) -> Frame:
    """A frame of a parsed stack, with ``in_app`` decided; what is empty is left out."""
    made = Frame()
    if function:
        made["function"] = function[:MAX_NAME_LENGTH]
    if module:
        made["module"] = module[:MAX_NAME_LENGTH]
    if filename:
        made["filename"] = filename[:MAX_FILENAME_LENGTH]
    if (lineno := position(line)) is not None:
        made["lineno"] = lineno
    if (colno := position(column)) is not None:
        made["colno"] = colno
    made["in_app"] = is_in_app(filename=made.get("filename", ""), module=made.get("module", ""))
    return made


def exception(*, type_name: str, value: str, module: str = "", frames: list[Frame]) -> ExceptionValue:
    """One exception of a chain; frames are given caller first and are cut in the middle when there are too many."""
    made = ExceptionValue()
    if type_name:
        made["type"] = type_name[:MAX_NAME_LENGTH]
    if value:
        made["value"] = value[:MAX_VALUE_LENGTH]
    if module:
        made["module"] = module[:MAX_NAME_LENGTH]
    if frames:
        made["frames"] = without_middle(frames, MAX_FRAMES)
    return made


def without_middle[Item](items: list[Item], limit: int) -> list[Item]:
    """At most ``limit`` items: both ends are kept, as the entry point and the crash say more than what is between."""
    if len(items) <= limit:
        return items
    head = limit // 2
    return items[:head] + items[head - limit :]
