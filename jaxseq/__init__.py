"""Classic sequence models in JAX, with back-propagation through time by hand.

    >>> import jax, jaxseq
    >>> cell = jaxseq.cells.lstm.cell()
    >>> params = cell.init(jax.random.key(0), num_inputs=3, num_hidden=8)
    >>> xs = jax.numpy.ones((20, 4, 3))  # time, batch, features
    >>> ys, state = jaxseq.unroll.unroll(cell, params, None, xs)
    >>> ys.shape, state.c.shape
    ((20, 4, 8), (4, 8))

The modules are the namespaces, in reading order. A recurrent layer:

    types           aliases, and the letters that stand for sizes: T, B, I, H, ...
    checks          what every function refuses, and how it says so
    cells           the cells: Elman, Jordan, LSTM, GRU, or one of your own
    unroll          a cell over time; `jax.grad` of it uses the cell's deltas
    bptt            the derivation behind it: back-propagation through time
    memory          what is kept for the backward pass: speed against memory
    truncate        truncated back-propagation: in chunks, with the state carried
    masks           lengths and resets: which steps count, which start afresh
    precision       bfloat16 weights around a float32 state
    cudnn           cuDNN's LSTM, to compare with

What stands around it:

    both            a layer of both directions
    network         layers in a stack, with dropout between them
    embedding       words as rows of a matrix
    readout         the output layer
    losses          losses a step, with their deltas
    language_model  which word comes next
    generate        the text that such a model writes
    attention       a weighted sum of a memory; its scores: dot, general, additive

Models that are not recurrent layers, and whole systems:

    hopfield        Hopfield's network of 1982
    modern_hopfield its continuous form: one step of it is attention
    text            text to ids: files, tokens, vocabularies, batches
    word2vec        Skip-gram and CBOW: training, queries, test sets, files
    summarize       summaries by attention and copying: training, beam search, ROUGE

Around them all:

    train           a training loop, its checkpoints and devices
    interop         weights from and to Flax, PyTorch, Keras, ONNX
    explain         the lecture's network, on a page to play with

Tools:

    gradcheck       is a gradient right? by hand, by autodiff, by differences
    axes            mesh axes inside `jax.shard_map`
    loop            the loop over time, in the form that is fastest where it runs
    in_place        a scan that writes over what it has read
    reverse_only    the error of functions that have no forward mode
    commands        the command line's commands, and how each reads its options
    host_memory     freed memory stays with the process: faster large layers on CPUs
    closed_pipe     a program whose reader has gone ends in silence

`help(jaxseq.cells)`, or of any other of them, goes on from here: equations, shapes,
references. Each is imported when it is first used. `python -m jaxseq` lists programs.
"""

import importlib
import pkgutil
from types import ModuleType
from typing import TYPE_CHECKING


if TYPE_CHECKING:  # what static tools see
    from jaxseq import (
        attention as attention,
        axes as axes,
        both as both,
        bptt as bptt,
        cells as cells,
        checks as checks,
        closed_pipe as closed_pipe,
        commands as commands,
        cudnn as cudnn,
        embedding as embedding,
        explain as explain,
        generate as generate,
        gradcheck as gradcheck,
        hopfield as hopfield,
        host_memory as host_memory,
        in_place as in_place,
        interop as interop,
        language_model as language_model,
        loop as loop,
        losses as losses,
        masks as masks,
        memory as memory,
        modern_hopfield as modern_hopfield,
        network as network,
        precision as precision,
        readout as readout,
        reverse_only as reverse_only,
        summarize as summarize,
        text as text,
        train as train,
        truncate as truncate,
        types as types,
        unroll as unroll,
        word2vec as word2vec,
    )
else:

    def __getattr__(name: str) -> ModuleType:
        """Imports a module of the package when it is first asked for (PEP 562)."""
        if name not in _modules():
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return importlib.import_module(f"{__name__}.{name}")


def __dir__() -> list[str]:
    """Lists the modules too that have not been imported yet."""
    return sorted({*globals(), *_modules()})


def _modules() -> list[str]:
    names = [module.name for module in pkgutil.iter_modules(__path__)]
    return [name for name in names if name != "__main__"]  # which is a program
