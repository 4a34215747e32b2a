"""Reports: pure questions with typed answers. They read rollups and issues, never count events, and take the time passed in."""
