"""The pages that people read, and the shell blocks in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

__all__ = ["PAGES", "ROOT", "Block", "blocks", "read"]

ROOT = Path(__file__).resolve().parents[2]
# In the order in which a newcomer reads them; what one makes, a later one may use.
PAGES = (
    "README.md",
    "docs/PIPELINE.md",
    "docs/API.md",
    "docs/PYTHON.md",
    "docs/PAGE.md",
    "docs/OPERATIONS.md",
    "docs/EVALUATION.md",
    "docs/PERFORMANCE.md",
    "docs/COMPOSE.md",
    "docs/DEPLOY.md",
)
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
_NEEDS = re.compile(r"# needs (?P<what>.+)\n")


@dataclass(frozen=True)
class Block:
    """A block of code on a page.

    Attributes
    ----------
    page, number
        The page, and the block's position among its blocks of this language.
    text
        What a person copies.
    needs
        What must be there, from the block's first line, such as ``a cluster``; empty if the demo is enough.
    """

    page: str
    number: int
    text: str
    needs: str

    def __str__(self) -> str:
        return f"{self.page}, block {self.number}"

    @property
    def commands(self) -> list[str]:
        """Its command lines: without comments, a continued line as one."""
        lines = self.text.replace("\\\n", " ").splitlines()
        return [
            line
            for line in (re.sub(r"\s+#\s.*", "", line).strip() for line in lines)
            if line and line[0] != "#"
        ]


def read(page: str) -> str:
    """The text of a page."""
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page: str, language: str = "sh") -> list[Block]:
    """The blocks of a page in one language, in order."""
    texts = [text for found, text in _FENCE.findall(read(page)) if found == language]
    needs = [_NEEDS.match(text) for text in texts]
    return [
        Block(page, number, text, found["what"] if found else "")
        for number, (text, found) in enumerate(zip(texts, needs, strict=True), start=1)
    ]
