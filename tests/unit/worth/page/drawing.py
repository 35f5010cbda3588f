"""A page -> its drawings and tables, read back as a browser would."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

SVG = re.compile(r'<svg [^>]*class="picture (\w+)".*?</svg>', re.DOTALL)
VOID = {"meta", "br", "link"}


def drawings(page: str) -> dict[str, ET.Element]:
    """Return every drawing by its frame: it must be well-formed XML."""
    return {found[1]: ET.fromstring(found[0]) for found in SVG.finditer(page)}  # noqa: S314


def of(drawing: ET.Element, kind: str) -> list[ET.Element]:
    """Return the elements of a class."""
    return [one for one in drawing.iter() if kind in one.get("class", "").split()]


def text(element: ET.Element) -> str:
    return "".join(element.itertext())


@dataclass
class Node:
    tag: str
    attributes: dict[str, str | None] = field(default_factory=dict)
    children: list["Node"] = field(default_factory=list)
    text: str = ""

    def every(self, tag: str) -> Iterator["Node"]:
        for child in self.children:
            if child.tag == tag:
                yield child
            yield from child.every(tag)


class Tree(HTMLParser):
    """A tree of the page, which refuses an element that is not closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.root = Node("")
        self.open = [self.root]
        self.feed(page)
        self.close()
        assert len(self.open) == 1, f"not closed: {self.open[-1].tag}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, dict(attrs))
        self.open[-1].children.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        for node in self.open:
            node.text += data
