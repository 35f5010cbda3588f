"""Masked language modelling: what is masked, the head that fills it in, and the run. Heavy to import."""
