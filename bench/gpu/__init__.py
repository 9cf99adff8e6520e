"""The benchmark on a GPU: `python -m bench --device cuda`."""
