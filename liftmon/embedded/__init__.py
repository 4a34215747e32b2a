"""PostgreSQL and Redis without installing either: from wheels, on unix sockets below the data folder."""
