import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.ingest.stacktrace import is_in_app, parse_stack
from events.ingest.types import ExceptionValue, Frame
from tests.events.ingest.stacks import JAVA, PYTHON, STACKS, V8


def reading(chain: list[ExceptionValue]) -> str:
    """The chain as stacks.py writes it."""
    lines: list[str] = []
    for one in chain:
        lines.append(": ".join(text for text in (one.get("type", "?"), one.get("value")) if text))
        lines += [f"  {_frame(frame)}" for frame in one.get("frames", [])]
    return "\n".join(lines)


def _frame(frame: Frame) -> str:
    place = frame.get("module") or frame.get("filename", "")
    text = f"{place}|{frame.get('function', '')}|{frame.get('lineno', '')}"
    return text if frame["in_app"] else f"({text})"


@pytest.mark.parametrize(("text", "expected"), STACKS.values(), ids=STACKS.keys())
def test_it_reads_the_stack_of_each_language(text: str, expected: str) -> None:
    assert reading(parse_stack(text)) == expected


def test_it_keeps_the_source_line_of_a_python_frame_and_not_its_carets() -> None:
    assert parse_stack(PYTHON)[0]["frames"][0]["context_line"] == 'raise KeyError("dsn")'


def test_it_keeps_modules_of_types() -> None:
    assert parse_stack(JAVA)[0]["module"] == "java.sql"
    assert parse_stack(PYTHON)[1]["module"] == "app.errors"


def test_it_reads_windows_line_ends_and_stacks_that_were_encoded_twice() -> None:
    expected = reading(parse_stack(V8))

    assert reading(parse_stack(V8.replace("\n", "\r\n"))) == expected
    assert reading(parse_stack(V8.replace("\n", "\\n"))) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "everything is fine",
        "TypeError: x is not a function",
        "we met\n  at the beach (with friends)\n  at noon",
        "write to ann@lift.example:22 or @home",
        "#0 of the list\n#1 of the list",
        'File "x" was not found',
    ],
)
def test_it_gives_nothing_for_a_text_it_does_not_know(text: str) -> None:
    assert parse_stack(text) == []


def test_it_removes_the_middle_of_a_long_stack() -> None:
    text = "RangeError: deep\n" + "\n".join(f"    at f{index} (/app/a.js:{index}:1)" for index in range(1, 501))

    frames = parse_stack(text)[0]["frames"]

    assert len(frames) == 100
    assert [frames[0]["function"], frames[49]["function"], frames[50]["function"], frames[-1]["function"]] == [
        "f500",
        "f451",
        "f50",
        "f1",
    ]


def test_it_reads_both_ends_of_a_text_that_is_too_long() -> None:
    text = "RangeError: deep\n" + "\n".join(f"    at f{index} (/app/a.js:{index}:1)" for index in range(1, 9_001))

    [read] = parse_stack(text)

    assert (read["type"], read["frames"][0]["function"], read["frames"][-1]["function"]) == (
        "RangeError",
        "f9000",
        "f1",
    )


def test_it_leaves_out_the_cause_of_a_suppressed_exception() -> None:
    text = (
        "a.Outer: x\n\tat a.B.c(B.java:1)\n\tSuppressed: a.Other: y\n\t\tat a.B.d(B.java:2)\n"
        "\tCaused by: a.Deep: z\n\t\tat a.B.e(B.java:3)"
    )

    assert reading(parse_stack(text)) == "Outer: x\n  a.B|c|1"


def test_it_names_the_constructors_of_dotnet() -> None:
    text = "System.Exception: x\n   at Lift.Orders..ctor(String id)"

    assert reading(parse_stack(text)) == "Exception: x\n  Lift.Orders|.ctor|"


def test_it_keeps_ten_exceptions_of_a_long_chain() -> None:
    text = "\n".join(f"Caused by: com.lift.E{index}: x\n\tat com.lift.A.f(A.java:{index})" for index in range(40))

    chain = parse_stack(text)

    assert [one["type"] for one in chain] == ["E39", "E38", "E37", "E36", "E35", "E4", "E3", "E2", "E1", "E0"]


@pytest.mark.parametrize(
    ("filename", "module", "expected"),
    [
        ("/srv/app/views.py", "app.views", True),
        ("/srv/venv/lib/python3.12/site-packages/django/core.py", "django.core", False),
        ("/usr/lib/python3/dist-packages/x.py", "", False),
        ("/opt/python/lib/python3.13/asyncio/base_events.py", "asyncio.base_events", False),
        ("<frozen importlib._bootstrap>", "", False),
        ("node_modules/next/dist/server/x.js", "", False),
        ("webpack:///./node_modules/react-dom/x.js", "", False),
        ("webpack://_N_E/./pages/career.js", "", True),
        ("/app/.next/server/webpack-runtime.js", "", False),
        ("node:internal/process/task_queues", "", False),
        ("internal/modules/cjs/loader.js", "", False),
        ("/app/internal/cart.go", "", True),
        ("vendor/laravel/framework/x.php", "", False),
        ("/go/pkg/mod/github.com/x/y.go", "", False),
        ("chrome-extension://abcdef/content.js", "", False),
        ("Thread.java", "java.lang.Thread", False),
        ("DispatcherServlet.java", "org.springframework.web.servlet.DispatcherServlet", False),
        ("Shop.kt", "com.lift.Shop", True),
        ("C:\\lift\\vendor\\x.php", "", False),
        ("Orders.cs", "System.Linq.Enumerable", False),
        ("reactor/app.py", "reactor.app", True),
    ],
)
def test_it_tells_our_code_from_libraries(filename: str, module: str, expected: bool) -> None:
    assert is_in_app(filename=filename, module=module) is expected


LINES = st.lists(
    st.sampled_from([line for text, _ in STACKS.values() for line in text.split("\n")]) | st.text(max_size=60),
    max_size=30,
).map("\n".join)


@given(LINES)
def test_it_reads_any_mixture_of_lines_without_raising(text: str) -> None:
    chain = parse_stack(text)

    assert len(chain) <= 10
    assert all(frame for one in chain for frame in one.get("frames", []))
    assert chain == parse_stack(text)


HOSTILE = (
    "at (((( ", "    at x (a:1:1)\n", "    at x ((((a:1:1)\n", "at a(()()()()", "at a.", 'File "', "a::", "a\\", "a@", "\n",
    '  File "a", line 1\nX: y\n', "Caused by: A: b\n\tat a.b(A.java:1)\n", "a:1:in `x'\n", "a:1:in `x': (AAAA", "x in /",
    "#0 a(1): b()\n", "#0 a(1)(1)(1)", "a@/b:1:1\n", "goroutine 1 [running]:\n", "\t/a.go:1", "Uncaught ", "  |", " ---> ",
    "   --- End of inner exception stack trace ---\n   at A.B()\n",
)  # fmt: skip


@pytest.mark.parametrize("unit", HOSTILE)
def test_it_takes_linear_time_on_hostile_stacks(unit: str) -> None:
    text = (unit * 65_536)[:65_536]

    started = time.process_time()
    parse_stack(text)
    parse_stack('  File "a", line 1\ngoroutine 1 [running]:\n#0 a:in @\n' + text + "\n    at x (/a.js:1:1)")

    assert time.process_time() - started < 10


def test_whoever_writes_into_a_chain_writes_into_a_copy() -> None:
    stack = "TypeError: x is undefined\n    at load (https://lift.example/app.js:10:5)"
    first = parse_stack(stack)

    first[0]["frames"][0]["function"] = "changed"
    first[0]["type"] = "Changed"
    first.clear()

    assert parse_stack(stack)[0]["type"] == "TypeError"
    assert parse_stack(stack)[0]["frames"][0]["function"] == "load"


def test_a_stack_too_long_to_be_remembered_is_read_alike() -> None:
    stack = f"TypeError: {'x' * 5_000}\n    at load (https://lift.example/app.js:10:5)"

    assert [frame["function"] for frame in parse_stack(stack)[0]["frames"]] == ["load"]
