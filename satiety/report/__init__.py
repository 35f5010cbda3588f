"""Pages that people read: Jinja2 templates, matplotlib charts, one style sheet and one bilingual table of texts.

Everything here takes plain values; what they mean is the business of the rooms that give them.
"""
