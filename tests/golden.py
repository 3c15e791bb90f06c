"""Files of conditions with the messages that people see for them: what a person has read, and what must stay so.

A file has headings, ``## Name``; conditions, each on one line or several; and below each its message, indented by four
blanks. ``make golden`` writes the messages anew, and the difference is to be read before it is committed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

FIXTURES = Path(__file__).parent / "fixtures"
INDENT = "    "


@dataclass(frozen=True, slots=True)
class Entry:
    """A condition of a file, under the last heading before it, and the message that it must have."""

    heading: str
    text: str
    message: str

    def __str__(self) -> str:
        return f"{self.heading}: {self.text}"


def entries(name: str) -> Iterator[Entry]:
    """The entries of a file of the fixtures."""
    heading = ""
    for block in _blocks(name):
        if block.startswith("##"):
            heading = block.removeprefix("##").strip()
            continue
        lines = block.splitlines()
        text = [line for line in lines if not line.startswith(INDENT)]
        message = [line.removeprefix(INDENT) for line in lines[len(text) :]]
        yield Entry(heading, "\n".join(text), "\n".join(message))


def rewritten(name: str, message: Callable[[Entry], str]) -> None:
    """Writes the messages of a file anew, where ``make golden`` asks for it."""
    if os.environ.get("GOLDEN") != "write":
        return
    found = {(entry.heading, entry.text): message(entry) for entry in entries(name)}
    heading, blocks = "", []
    for block in _blocks(name):
        if block.startswith("##"):
            heading = block.removeprefix("##").strip()
            blocks.append(block)
            continue
        text = "\n".join(line for line in block.splitlines() if not line.startswith(INDENT))
        shown = "\n".join(INDENT + line for line in found[heading, text].splitlines())
        blocks.append(f"{text}\n{shown}")
    (FIXTURES / name).write_text("\n\n".join(blocks) + "\n", encoding="utf-8")


def _blocks(name: str) -> list[str]:
    text = (FIXTURES / name).read_text(encoding="utf-8")
    return [block.strip("\n") for block in text.split("\n\n") if block.strip("\n")]
