"""Names, attributes and children -> HTML and SVG in which every value is escaped.

Only ``tag`` makes markup, and it escapes whatever is not markup already: a lever's name or a text can never become an
element, wherever it stands.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""What a page may do: nothing but look as it does."""
VOID = frozenset({"br", "link", "meta"})
"""Elements without an end."""


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


def tag(name: str, /, *children: str | None, **attributes: str | float | None) -> Html:
    """Return an element; children that are not ``Html`` are escaped, as are all attributes. None is left out.

    ``class_`` is *class*, and an underscore within a name is a hyphen: ``text_anchor`` is *text-anchor*.
    """
    given = {key: value for key, value in attributes.items() if value is not None}
    inner = "".join(f' {key.rstrip("_").replace("_", "-")}="{_attribute(value)}"' for key, value in given.items())
    return Html(f"<{name}{inner}>") if name in VOID else Html(f"<{name}{inner}>{join(children)}</{name}>")


def join(children: Iterable[str | None], between: str = "") -> Html:
    """Return several pieces as one, escaped where they are not markup."""
    pieces = [child if isinstance(child, Html) else escape(child) for child in children if child is not None]
    return Html(between.join(pieces))


def document(language: str, title: str, style: str, body: Html, policy: str = POLICY) -> str:
    """Return a whole page, which opens without a network."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("title", title),
        tag("style", Html(style)),
    )
    return f"<!DOCTYPE html>\n{tag('html', head, body, lang=language)}\n"


def _attribute(value: str | float) -> str:
    return escape(value) if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")
