"""What pokepodsd costs, measured beside its peers: `python -m tests.bench`."""
