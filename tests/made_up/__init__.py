"""Components of every kind, one file each, as a user would add them; `tests/pipeline/test_made_up.py` tries them."""
