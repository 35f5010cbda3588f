"""One file per format. A reader knows `satiety.ingest.base` and `satiety.ingest.lines`, never another reader."""
