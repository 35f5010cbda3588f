"""Text processing for English and Chinese: words, languages, near-duplicates, repair, personal data."""
