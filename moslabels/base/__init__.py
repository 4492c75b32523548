"""The base of all packages: errors, settings, progress, signals, text for people."""
