"""The recurrent cells: one file each, forward equations and deltas."""

from jaxseq.cells import activations as activations, elman as elman
from jaxseq.cells.cell import Cell as Cell, Sizes as Sizes, Trace as Trace
