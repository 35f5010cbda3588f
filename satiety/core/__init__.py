"""What every room stands on: configuration, components, errors, settings, files and records."""
