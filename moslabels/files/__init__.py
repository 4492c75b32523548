"""Files and folders: staging, locks, temporary folders, first bytes."""
