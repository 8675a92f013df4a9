"""Benchmarks: jaxseq and its peers side by side, in one run on one machine.

`python -m experiments.bench rnn` takes a few minutes, with `--grid full` some hours;
`--help` lists the options; `NOTES.md` the trials, `results/` the project's own results.
"""
