"""The colours of the style sheet, by name: light and dark."""

import re

from satiety.report.render import FOLDER

STYLE = (FOLDER / "templates/style.css").read_text(encoding="utf-8")
LIGHT, DARK = (
    dict(re.findall(r"--(\w+): (#\w{6});", block)) for block in re.findall(r":root {(.*?)}", STYLE, re.DOTALL)[:2]
)
