"""Our own elementary functions, as kernel expressions that every target can write."""
