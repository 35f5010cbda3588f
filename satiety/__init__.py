"""Few labels and much raw text -> a better language model, and what each data technique was worth, in labels.

The library knows no orchestrator, tracker or versioner; `tasks/` and `flows/` bring those.
"""
