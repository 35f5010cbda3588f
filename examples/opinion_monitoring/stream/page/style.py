"""The meter's colours, type and tables, and what the charts of a stream have besides."""

from satiety.worth.page.style import STYLE as HOUSE

STYLE = (
    HOUSE
    + """
.topics { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 21rem), 1fr)); gap: 1.6rem 1.5rem; }
.topics h3 { margin: 0 0 .2rem; overflow-wrap: anywhere; }
svg.topic { max-width: 30rem; }
svg.topic .tick, svg.topic .name { font-size: 11px; }
svg.topic .plain { stroke-width: 1.3; }
svg.topic circle { fill: var(--ink); }
polyline { fill: none; }
.likely { stroke: var(--help); stroke-width: 1.3; stroke-dasharray: 4 3; }
.volume { fill: var(--soft); opacity: .45; }
path.surge { fill: var(--harm); stroke: var(--paper); stroke-width: 1; }
svg.topic circle.traffic { fill: var(--paper); stroke: var(--even); stroke-width: 1.6; }
button { font: inherit; color: var(--ink); background: var(--zone); border: 1px solid var(--soft); border-radius: 4px;
  padding: .3rem 1rem; min-height: 2.75rem; cursor: pointer; }
button[aria-pressed=true] { background: var(--ink); color: var(--paper); }
[hidden] { display: none; }
main > section:first-child { margin-top: 1.6rem; }
th.number { text-align: right; }
"""
)
