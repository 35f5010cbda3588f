"""Texts, English and Chinese alike: words, languages, near-duplicates, repair, personal data."""
