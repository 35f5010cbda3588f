"""What is painted with matplotlib -> SVG within a page: text in the page's fonts, colours that follow light and dark.

The same drawing gives the same bytes: no date, no random ids.
"""

from __future__ import annotations

import hashlib
import re
import warnings
from collections.abc import Callable
from io import StringIO
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAMES = ("paper", "ink", "soft", "line", "zone", "band", "help", "harm", "even")
COLOURS = {name: f"#0100{place:02x}" for place, name in enumerate(NAMES, 1)}
"""What charts are drawn in: each stands for a colour of the style sheet, and is replaced by ``var(--name)``."""
HALO: dict[str, Any] = {"markeredgecolor": COLOURS["paper"], "markeredgewidth": 1.4}
"""Of a mark that stands out from the lines it lies on."""
UNIT = 72
"""Points per inch: at this resolution a point is a pixel of the drawing."""
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "text.color": COLOURS["ink"],
    "text.parse_math": False,
    "axes.axisbelow": True,
    "axes.edgecolor": COLOURS["soft"],
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.spines.left": False,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "grid.color": COLOURS["line"],
    "xtick.color": COLOURS["soft"],
    "ytick.color": COLOURS["soft"],
    "ytick.major.size": 0,
    "svg.fonttype": "none",
    "svg.hashsalt": "satiety",
}
_DRAWING = Lock()
"""Matplotlib's style belongs to the process, and a page may be asked for by several threads."""


def draw(width: float, height: float, font: float, paint: Callable[[Figure], None], kind: str) -> Markup:
    """Return what ``paint`` draws on an empty figure.

    Args:
        width: of the drawing, in CSS pixels at scale 1.
        height: the same.
        font: size of its text, in the same pixels.
        paint: draws in the colours of ``COLOURS``; the ``gid`` of what it draws becomes its class.
        kind: class of the SVG, by which the style sheet finds it.
    """
    import matplotlib
    from markupsafe import Markup
    from matplotlib.figure import Figure

    stream = StringIO()
    with _DRAWING, matplotlib.rc_context({**STYLE, "font.size": font}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)  # the browser has fonts for it
        figure = Figure(figsize=(width / UNIT, height / UNIT), dpi=UNIT, frameon=False)
        paint(figure)
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None})
    drawing = stream.getvalue()
    head = f'<svg class="{kind}" viewBox="0 0 {width:g} {height:g}" aria-hidden="true">'
    return Markup(_themed(head + drawing[drawing.index("<defs>") :]))  # noqa: S704


def add_axes(figure: Figure, left: float, top: float, right: float, bottom: float) -> Axes:
    """Return axes that leave so many pixels free at each side of the figure."""
    width, height = figure.get_size_inches() * UNIT
    rectangle = (left / width, bottom / height, 1 - (left + right) / width, 1 - (top + bottom) / height)
    return figure.add_axes(rectangle)


def _themed(drawing: str) -> str:
    """Return the inside of a drawing with the page's colours and fonts, and ids that no other drawing has.

    Clip paths go: what is painted stays within its axes.
    """
    drawing = re.sub(r'<defs>\s*(?:<style|<clipPath).*?</defs>\s*| clip-path="[^"]*"', "", drawing, flags=re.DOTALL)
    prefix = f"svg-{hashlib.sha256(drawing.encode()).hexdigest()[:12]}"
    referenced = set(re.findall(r"#([\w-]+)[\")]", drawing))

    def rename(match: re.Match[str]) -> str:
        name = match[1]
        if name in referenced:
            return f' id="{prefix}-{name}"'
        return "" if re.search(r"_\d+$", name) else f' class="{name}"'

    drawing = re.sub(r' id="([^"]+)"', rename, drawing)
    drawing = re.sub(r"xlink:href=\"#", f'href="#{prefix}-', drawing)
    drawing = drawing.replace(f"font-family: '{STYLE['font.family']}'; ", "")
    drawing = re.sub(r"\s*\n\s*", " ", drawing)
    return re.sub("#0100(0[1-9])", lambda match: f"var(--{NAMES[int(match[1]) - 1]})", drawing)
