"""Rules that could join two tables, found and measured."""
