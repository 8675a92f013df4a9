"""Other libraries' conventions and files; each is imported by name, none by default.

`import jaxseq` imports nothing from here: `from jaxseq.interop.flax import linen`.
"""
