"""What every package may use: errors, settings, progress, signals."""
