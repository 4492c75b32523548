"""The input of a run: options, manifest and specs of tables."""
