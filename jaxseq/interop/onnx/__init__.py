"""Recurrent nodes of ONNX models, RNN, LSTM and GRU: read, run and written.

    recurrent = model.read("lstm.onnx")                 the one node, as jaxseq has it
    outputs = model.run("lstm.onnx", {"X": xs})         the graph, under its own names
    proto = export.write(form.of_layer(lstm.cell(), params))

`form` says what a node computes, and which cell computes it; `cells` has those that no
other module has, `activations` their functions; `node` reads and writes attributes;
`weights` converts; `recurrent` runs a node; `model` reads and runs files; `export`
writes them. Files are read and written by the package onnx, the extra `onnx`; nothing
here needs onnxruntime.

Reference: ONNX 1.9, 2021: operators RNN-14, GRU-14, LSTM-14.
"""
