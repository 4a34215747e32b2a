"""`/api/v1/` of alerts: what the admin gives people, for programs; one noun a module."""
