"""What the built package holds. Nothing is fetched: what builds it is in the environment."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from babel.messages.mofile import read_mo

REPOSITORY = Path(__file__).resolve().parents[2]
SOURCES = REPOSITORY / "src"
TRANSLATION = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\nmsgid "Next"\n'


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Copy what a checkout has, without what building and running leave in it."""
    copy = tmp_path / "a tree"
    left = shutil.ignore_patterns("__pycache__", "*.egg-info", "*.mo")
    shutil.copytree(SOURCES, copy / "src", ignore=left)
    for name in ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, copy)
    shutil.copy(REPOSITORY / "requirements.in", copy)
    messages = copy / "src/sidegate/locale/lv/LC_MESSAGES"
    messages.mkdir(parents=True, exist_ok=True)
    (messages / "proof.po").write_text(TRANSLATION + 'msgstr "Tālāk"\n')
    return copy


def build(tree: Path) -> subprocess.CompletedProcess[str]:
    options = ["--no-index", "--no-deps", "--no-build-isolation", "--wheel-dir", "wheels"]
    return subprocess.run(
        [sys.executable, "-m", "pip", "wheel", *options, "."],
        cwd=tree,
        text=True,
        capture_output=True,
        check=False,
    )


def test_wheel_holds_everything(tree: Path) -> None:
    result = build(tree)
    assert result.returncode == 0, result.stderr
    with zipfile.ZipFile(next(tree.glob("wheels/sidegate-*.whl"))) as wheel:
        names = {name for name in wheel.namelist() if name.startswith("sidegate/")}
        with wheel.open("sidegate/locale/lv/LC_MESSAGES/proof.mo") as file:
            assert read_mo(file)["Next"].string == "Tālāk"
        assert any(name.endswith("licenses/LICENSE") for name in wheel.namelist())
    files = {path for path in SOURCES.joinpath("sidegate").rglob("*") if path.is_file()}
    wanted = {
        str(path.relative_to(SOURCES))
        for path in files
        if path.suffix not in {".po", ".pot", ".pyc"}
    }
    assert wanted - names == set()
    assert "sidegate/py.typed" in names


def test_broken_translation_is_not_built(tree: Path) -> None:
    broken = tree / "src/sidegate/locale/lv/LC_MESSAGES/proof.po"
    broken.write_text(TRANSLATION.replace("Next", "%(name)s") + 'msgstr "%(nam)s"\n')
    result = build(tree)
    assert result.returncode != 0
    assert "proof.po" in result.stdout + result.stderr
