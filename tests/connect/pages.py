"""The blocks of lines in the operators' pages: what they tell people to do, tests do."""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).parents[2] / "docs" / "operators"
_BLOCK = re.compile(
    r"^(?:[^\n]*`(/[^`\n]+)`[^`\n]*:\n)?```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL
)


class Block(NamedTuple):
    """One fenced block, and the file that the line before it names."""

    file: str
    language: str
    text: str

    def placed(self, places: Mapping[str, str]) -> Block:
        """The same for another installation: each path replaced, once."""
        found = re.compile("|".join(map(re.escape, places)))

        def there(text: str) -> str:
            return found.sub(lambda match: places[match[0]], text)

        return Block(there(self.file), self.language, there(self.text))


def blocks(page: str, section: str) -> list[Block]:
    """The blocks of one section, those that only show something left out."""
    text = (FOLDER / f"{page}.md").read_text()
    part = text.split(f"\n## {section}\n", 1)[1].split("\n## ", 1)[0]
    found = [Block(*match) for match in _BLOCK.findall(part)]
    return [one for one in found if one.language in ("conf", "sh", "toml")]


def obey(block: Block, *, at: Path | None = None) -> str:
    """Write the file, or run the commands in a folder, as a person would; what they say."""
    if block.language == "conf":
        file = Path(block.file)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(block.text)
        return ""
    assert block.language == "sh"
    done = subprocess.run(
        ["/bin/sh", "-e", "-c", block.text], capture_output=True, text=True, check=False, cwd=at
    )
    assert done.returncode == 0, f"{block.text}\n{done.stdout}{done.stderr}"
    return done.stdout


def settings(block: Block) -> dict[str, dict[str, Any]]:
    """What a block for sidegate.toml sets."""
    assert block.language == "toml"
    return tomllib.loads(block.text)
