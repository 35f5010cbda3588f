"""The command `satiety`: one file per command; what is heavy is imported inside the command that needs it."""
