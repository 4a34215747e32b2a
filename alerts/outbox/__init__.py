"""Who is told of an alert, when, in which words, and why not: rows for `alerts.delivery` to send."""
