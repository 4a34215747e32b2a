"""Reports as JSON: `GET /api/v1/reports/<name>`."""
