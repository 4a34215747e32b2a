"""What stops a start: one clear line each."""


class StartError(Exception):
    """Liftmon cannot start; the text is the one line that says why and what to do."""
