"""The command: its arguments and its output."""
