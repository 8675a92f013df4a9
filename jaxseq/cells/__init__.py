"""The recurrent cells: one file each, forward equations and deltas."""

from jaxseq.cells import (
    activations as activations,
    derived as derived,
    elman as elman,
    gru as gru,
    inputs as inputs,
    jordan as jordan,
    lstm as lstm,
    lstm_1997 as lstm_1997,
    lstm_coupled as lstm_coupled,
    lstm_linear as lstm_linear,
    lstm_peephole as lstm_peephole,
)
from jaxseq.cells.cell import Cell as Cell, Sizes as Sizes, Trace as Trace
