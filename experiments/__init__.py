"""One file a paper or task: `python -m experiments.NAME --help`."""
