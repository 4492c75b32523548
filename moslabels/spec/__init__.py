"""What a run is told: options, manifest, table specs."""
