"""The public status page, and those who subscribed to it."""
