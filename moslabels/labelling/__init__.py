"""Keys, labels, match, gate and diagnosis."""
