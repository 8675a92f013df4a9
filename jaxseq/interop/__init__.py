"""Other libraries' conventions and files; each is imported by name, none by default.

    flax                Flax's `RNN`, linen's and nnx's, with the hand-written deltas
    torch               weights of PyTorch's layers, from and to a `state_dict`
    keras               weights of Keras' layers, from and to lists
    onnx                ONNX's recurrent nodes: read, run and written
    gates               what those three share: stacked gates, biases held twice
    safetensors_files   arrays by name in a file, and no code in it
    safetensors_header  the header of such a file, checked first

`import jaxseq` imports nothing from here: `from jaxseq.interop.flax import linen`.

References: Paszke et al., PyTorch: An imperative style, high-performance deep learning
library, NeurIPS 2019. Chollet et al., Keras, 2015. Hugging Face, safetensors, 2022.
"""
