"""The version of moslabels. The package, the build and the evidence of a run take it from here."""

__version__ = "0.2.0"
