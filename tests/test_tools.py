"""The checkers of pyproject.toml, run by the one test command."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CHECKS = {
    "ruff": ["ruff", "check", "--no-cache", "."],
    "ruff format": ["ruff", "format", "--no-cache", "--check", "."],
    "mypy": ["mypy"],
    "import-linter": ["lint-imports"],
    "codespell": ["codespell"],
    "deptry": ["deptry", "."],
    "vulture": ["vulture"],
    "migrations": ["manage.py", "makemigrations", "--check", "--dry-run"],
}

pytestmark = pytest.mark.tools


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """A tool of this environment, or a Python file with this interpreter."""
    program = [sys.executable] if command[0].endswith(".py") else []
    name = command[0] if program else str(Path(sys.executable).parent / command[0])
    return subprocess.run([*program, name, *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", CHECKS)
def test_it_finds_nothing(name: str) -> None:
    done = run(*CHECKS[name])

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_templates_are_in_djades_form() -> None:
    templates = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "templates").rglob("*.html"))

    done = run("djade", "--check", "--target-version", "6.0", *templates)

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_deployment_check_finds_nothing_behind_https() -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env={**os.environ, "LIFTMON_BASE_URL": "https://liftmon.example"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
