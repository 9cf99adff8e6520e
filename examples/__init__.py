"""Programs to read first, each with a `main` that returns what it found."""
