"""What an installation would have noticed of the demo's fortnight, and what its people did about it."""
