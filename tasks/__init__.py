"""One module per DVC stage: read files, call `satiety`, write files, report numbers. And `promote`, no stage."""
