"""People: whose turn it is, how they are reached, who is told next, and what would go wrong at night."""
