"""Read the repository's Markdown for tests: links, anchors, code blocks, commands and flowcharts."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
NODE = re.compile(r'(\w+)(?:\["([^"]*)"\]|\{"([^"]*)"\})')
EDGE = re.compile(r"^(\w+)\b.*? -->(?:\|([^|]+)\|)? (\w+)")


@dataclass(frozen=True)
class Page:
    """One Markdown file."""

    path: Path

    @property
    def name(self) -> str:
        """Its path inside the repository."""
        return str(self.path.relative_to(ROOT))

    @cached_property
    def text(self) -> str:
        """The whole file."""
        return self.path.read_text()

    @property
    def prose(self) -> str:
        """The text without fenced code."""
        return FENCE.sub("", self.text)

    def blocks(self, *languages: str) -> Iterator[str]:
        """Every fenced block in one of these languages."""
        return (found[2] for found in FENCE.finditer(self.text) if found[1] in languages)

    def links(self) -> list[str]:
        """Targets of links and images, code spans left out."""
        spoken = re.sub(r"`[^`]*`", "", self.prose)
        return [link or image for link, image in LINK.findall(spoken)]

    def anchors(self) -> set[str]:
        """The anchors that a forge gives to this page's headings."""
        headings = re.findall(r"^#{1,6} (.+)$", self.prose, re.MULTILINE)
        return {anchor_of(heading) for heading in headings}

    def spans(self) -> list[str]:
        """Every code span, on one line."""
        return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", self.prose)]


def anchor_of(heading: str) -> str:
    """Return the anchor of a heading: lower case, punctuation dropped, spaces as hyphens."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
    return re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")


def pages() -> list[Page]:
    """Every Markdown file of the repository, without what tools made."""
    found = [path for path in ROOT.rglob("*.md") if not _is_hidden(path)]
    return [Page(path) for path in sorted(found)]


def _is_hidden(path: Path) -> bool:
    folders = path.relative_to(ROOT).parts[:-1]
    return any(part.startswith(".") or part in ("node_modules", "build", "dist") for part in folders)


@dataclass
class Flowchart:
    """A decision tree as the docs write it: quoted labels, one edge a line."""

    labels: dict[str, str] = field(default_factory=dict)
    questions: set[str] = field(default_factory=set)
    edges: list[tuple[str, str | None, str]] = field(default_factory=list)

    @classmethod
    def parse(cls, text: str) -> "Flowchart":
        """Read a Mermaid block; a line that is neither node nor edge raises ValueError."""
        chart = cls()
        head, *lines = [line.strip() for line in text.strip().splitlines()]
        if head != "flowchart TD":
            raise ValueError(f"not a flowchart: {head}")
        for line in lines:
            chart._read(line)
        return chart

    @property
    def leaves(self) -> set[str]:
        """Nodes from which nothing leads on."""
        return set(self.labels) - {origin for origin, _, _ in self.edges}

    def answers(self, node: str) -> list[str | None]:
        """What the edges that leave a node are called."""
        return [label for origin, label, _ in self.edges if origin == node]

    def _read(self, line: str) -> None:
        nodes = NODE.findall(line)
        edge = EDGE.match(line)
        if not nodes and not edge:
            raise ValueError(f"neither node nor edge: {line}")
        for name, plain, question in nodes:
            self.labels[name] = plain or question
            if question:
                self.questions.add(name)
        if edge:
            self.edges.append((edge[1], edge[2], edge[3]))
