"""What happened: services and keys, ingest, events, issues, rollups, retention."""
