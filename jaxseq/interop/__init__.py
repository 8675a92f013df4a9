"""Other libraries' conventions and files; each is imported by name, none by default.

    flax  Flax's `RNN`, linen's and nnx's, trained by the hand-written deltas

`import jaxseq` imports nothing from here: `from jaxseq.interop.flax import linen`.
"""
