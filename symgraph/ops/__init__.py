"""The ops, one file a theme. Each class tells a whole op: dtypes, sizes, meaning, gradient."""
