"""Label columns onto untouched features, in the format of the output."""
