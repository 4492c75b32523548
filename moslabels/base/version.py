"""The version of moslabels: what the package, the build and the evidence of a run take it from."""

__version__ = "0.2.0"
