"""Classification in the space of an untouched encoder, by labels and raw texts; nothing is trained by steps."""
