"""The recurrent cells: one file each, forward equations and deltas.

    cell              what a cell is: a record of pure functions
    activations       tanh, logistic, relu, identity, each with its slope
    elman             Elman 1990, the lecture's RNN; the one to read first
    jordan            Jordan 1986: the outputs come back
    lstm              the LSTM with forget gate, the lecture's form
    lstm_1997         the LSTM without forget gate; whole and truncated gradient
    lstm_1997_blocks  the same to the letter, with memory blocks
    lstm_peephole     gates that see the cells
    lstm_coupled      input gate = 1 - forget gate
    lstm_lecture      the LSTM's weights as the lecture writes them
    lstm_linear       cells that come out without the last tanh
    gru               resets after (cuDNN, PyTorch) or before (the paper): a file each
    derived           a cell of your own from its step, with no delta to write
    draws             how weights are drawn
    inputs            inputs in two parts, one of them known before the loop
    checks            what cells, parameters and states are refused for

Each file is read by itself: its equations are numbered, its lines carry the numbers.
"""

from jaxseq.cells import (
    activations as activations,
    derived as derived,
    elman as elman,
    gru as gru,
    inputs as inputs,
    jordan as jordan,
    lstm as lstm,
    lstm_1997 as lstm_1997,
    lstm_1997_blocks as lstm_1997_blocks,
    lstm_coupled as lstm_coupled,
    lstm_lecture as lstm_lecture,
    lstm_linear as lstm_linear,
    lstm_peephole as lstm_peephole,
)
from jaxseq.cells.cell import Cell as Cell, Sizes as Sizes, Trace as Trace
