"""What it means: reports, pages and charts. Reads; owns almost no tables."""
