"""What people do about an alert, from the admin, a message or Slack."""
