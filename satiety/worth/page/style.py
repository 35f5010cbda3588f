"""Colours, type and layout -> one style sheet for light and dark, telephone and wide screen, and paper.

Two hues and greys: blue for what helps and orange for what harms differ to every eye, and each has a shape of its own.
Text stands at 4.5 : 1 or more against its ground, which the tests compute.
"""

from string import Template

LIGHT = {
    "paper": "#fdfcf9",
    "ink": "#1c1c1a",
    "soft": "#5c5b56",
    "line": "#e2dfd6",
    "zone": "#f6f4ee",
    "band": "#d9d6cc",
    "help": "#0b5c9e",
    "harm": "#a8430b",
    "even": "#63625d",
}
DARK = {
    "paper": "#151618",
    "ink": "#ebe9e3",
    "soft": "#a9a79f",
    "line": "#303236",
    "zone": "#1b1d20",
    "band": "#3b3d41",
    "help": "#79b8f5",
    "harm": "#f5a06a",
    "even": "#a3a19a",
}
TEXT, GROUNDS = ("ink", "soft", "help", "harm", "even"), ("paper", "zone")

_SANS = (
    '-apple-system, BlinkMacSystemFont, "Segoe UI", Roboto, "Helvetica Neue", "Source Sans 3", "Noto Sans", '
    '"PingFang SC", "Hiragino Sans GB", "Microsoft YaHei", "Noto Sans CJK SC", "Noto Sans SC", system-ui, sans-serif'
)
_SERIF = (
    '"Source Serif 4", "Source Serif Pro", "Iowan Old Style", Charter, Cambria, Georgia, '
    '"Songti SC", "Noto Serif CJK SC", "Noto Serif SC", "SimSun", serif'
)

_SHEET = Template("""
:root { color-scheme: light dark; $light }
@media (prefers-color-scheme: dark) { :root { $dark } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0 auto; max-width: 1128px; padding: 2.5rem 1.5rem 4rem; background: var(--paper); color: var(--ink);
  font: 16px/1.6 $sans; }
p, li, dd { max-width: 46rem; overflow-wrap: anywhere; }
p { margin: .5rem 0; }
h1, h2 { font-family: $serif; font-weight: 600; line-height: 1.2; text-wrap: balance; overflow-wrap: anywhere; }
h1 { font-size: clamp(1.6rem, 1.1rem + 2.2vw, 2.6rem); max-width: 24em; margin: .4rem 0 1rem; }
h2 { font-size: clamp(1.25rem, 1.1rem + .6vw, 1.55rem); margin: 0 0 .8rem; }
h3 { font-size: 1rem; margin: 2rem 0 .4rem; }
:lang(zh) :is(h1, h2, summary, td, thead th) { word-break: keep-all; }
section { margin-top: 4rem; }
main > section:first-child { margin-top: 2.2rem; }
.eyebrow, .trust, figcaption, footer, caption, small, .note { color: var(--soft); font-size: .875rem; }
.eyebrow { margin: 0; }
.lead, .step { font-size: 1.125rem; }
nav { display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; margin-top: 1.6rem; padding: .7rem 0; font-size: .875rem;
  border: solid var(--line); border-width: 1px 0; }
nav a { color: var(--ink); text-decoration: none; }
nav a:hover { text-decoration: underline; text-underline-offset: .25em; }
:focus-visible { outline: 2px solid var(--help); outline-offset: 3px; border-radius: 2px; }
footer { margin-top: 4rem; border-top: 1px solid var(--line); }

figure { margin: 0; }
svg { display: block; width: 100%; height: auto; font-family: $sans; }
.picture { display: none; }
svg.narrow { max-width: 30rem; }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; max-width: none; }
svg text { fill: var(--ink); paint-order: stroke; stroke: var(--paper); stroke-width: 4px; stroke-linejoin: round; }
svg .tick, svg .name { fill: var(--soft); }
svg .tick { font-variant-numeric: tabular-nums; }
svg .who, svg .number, text.down { font-weight: 650; }
line, path { fill: none; }
.grid { stroke: var(--line); }
.axis { stroke: var(--soft); }
.zone { fill: var(--zone); }
.band { fill: var(--band); opacity: .75; }
.far { opacity: .45; }
.plain { stroke: var(--ink); stroke-width: 2.2; stroke-linejoin: round; }
.plain.broken { stroke-dasharray: 1 5; stroke-linecap: round; }
.fit { stroke: var(--ink); stroke-width: 1.8; stroke-dasharray: 7 5; }
.limit { stroke: var(--soft); stroke-dasharray: 2 4; }
.error { stroke: var(--ink); }
.point circle { fill: var(--ink); stroke: var(--paper); stroke-width: 1.5; }
.worth { --tone: var(--help); }
.harmful { --tone: var(--harm); }
.not, .inconclusive { --tone: var(--even); }
.bar { fill: var(--tone); opacity: .2; }
.shaft { stroke: var(--tone); stroke-width: 1.6; }
.upright { stroke: var(--tone); opacity: .8; }
.led { stroke: var(--tone); stroke-width: .8; }
path.mark, path.head { fill: var(--tone); stroke: var(--tone); stroke-width: 1.5; }
path.head.open { fill: none; stroke-width: 2; }
.inconclusive path.mark, .not path.mark { fill: var(--paper); stroke-width: 1.8; }
.main .shaft { stroke-width: 2.6; }
svg .main .said, svg .main .number, svg text.down { fill: var(--tone); }
line.down { stroke: var(--tone); stroke-dasharray: 1 4; stroke-width: 1.6; stroke-linecap: round; }

.scroll { overflow-x: auto; margin: .8rem 0; position: relative; width: fit-content; max-width: 100%; background:
  linear-gradient(to left, var(--paper) 40%, transparent) no-repeat right / 3rem 100% local,
  linear-gradient(to left, var(--line), transparent) no-repeat right / 1rem 100% scroll; }
table { border-collapse: collapse; font-size: .9375rem; line-height: 1.45; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding-bottom: .4rem; }
details caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
th, td { text-align: left; vertical-align: baseline; padding: .42rem 1.6rem .42rem 0; overflow-wrap: break-word;
  border-bottom: 1px solid var(--line); }
thead :is(th, td) { color: var(--soft); border-color: var(--soft); font-size: .8125rem; font-weight: 500;
  vertical-align: bottom; }
tbody th { font-weight: 500; min-width: 7rem; max-width: 26rem; }
.number { text-align: right; }
td b { font-weight: 600; }
td .interval { color: var(--soft); white-space: nowrap; }
.whisker { display: inline-block; width: 132px; height: 18px; vertical-align: -.25em; }
.whisker circle { fill: var(--ink); }
.zero { stroke: var(--soft); stroke-dasharray: 2 2; }
.range { stroke: var(--ink); stroke-width: 1.5; }
.verdict { color: var(--tone); white-space: nowrap; }
.sign { display: inline-block; width: 1.2em; }
.pass, .fail { white-space: nowrap; color: var(--help); }
.fail { color: var(--harm); }
details { border-bottom: 1px solid var(--line); max-width: 100%; }
summary { cursor: pointer; padding: .6rem 0; overflow-wrap: anywhere; }
summary span { color: var(--soft); margin-left: .8rem; }
dl { display: grid; grid-template-columns: minmax(9rem, 16rem) 1fr; gap: .5rem 1.5rem; margin: 0; }
dt { color: var(--soft); }
dd { margin: 0; min-width: 0; }

@media (max-width: 639.9px) {
  .narrow { display: block; }
  body { padding: 1.4rem 1rem 3rem; }
  section { margin-top: 3rem; }
  dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: .8rem; }
  table { font-size: .875rem; }
  th, td { padding-right: .7rem; }
  tbody th { position: sticky; left: 0; background: var(--paper); min-width: 5rem; max-width: 8rem; }
  td .interval { display: block; font-size: .8125rem; }
  td .sign { display: inline; }
  td small { display: block; }
  .verdict { white-space: normal; }
  details .drawn { display: none; }
  summary span { display: block; margin-left: 0; }
}
@media (min-width: 640px) and (max-width: 979.9px) { .middle { display: block; } }
@media (min-width: 980px) {
  .wide { display: block; }
  figcaption { display: grid; grid-template-columns: repeat(3, 1fr); gap: 0 2rem; }
  .legend { grid-column: 1 / -1; }
}
@media print {
  :root { $light --paper: #fff; --zone: #f7f7f7; }
  * { print-color-adjust: exact; }
  body { max-width: none; padding: 0; font-size: 10.5pt; }
  nav, details .drawn { display: none; }
  .scroll { overflow: visible; background: none; }
  details::details-content { content-visibility: visible; block-size: auto; }
  figure, tr, dl { break-inside: avoid; }
  h2, h3, summary { break-after: avoid; }
  section { margin-top: 2rem; }
}
""")


def _palette(colours: dict[str, str]) -> str:
    return " ".join(f"--{name}: {colour};" for name, colour in colours.items())


STYLE = _SHEET.substitute(light=_palette(LIGHT), dark=_palette(DARK), sans=_SANS, serif=_SERIF)
