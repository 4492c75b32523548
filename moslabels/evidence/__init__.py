"""What a run leaves behind: audit, report, page, schemas."""
