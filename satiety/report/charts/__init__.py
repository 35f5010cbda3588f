"""Charts by matplotlib, as SVG that is part of a page: one file for each kind."""
