"""One module per DVC stage: read files, call `satiety`, write files, report numbers. Also the commands outside DVC."""
