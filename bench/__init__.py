"""symgraph side by side with its peers: `python -m bench [ROW ...]`."""
