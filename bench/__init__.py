"""Side by side with the peers: `python -m bench [row ...]`; figures in README.md beside this file."""
