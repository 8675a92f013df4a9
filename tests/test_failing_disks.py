"""A disk that is full, a folder that takes no file: what was there is still there.

`tests/experiments/test_language_model.py` has what the command line says then.
"""

import numpy as np
import pytest

from experiments import results
from jaxseq.cells import elman
from jaxseq.interop import safetensors_files
from jaxseq.interop.onnx import export, form
from jaxseq.summarize import archive
from jaxseq.text import vocab
from jaxseq.train import checkpoint, metrics, stores
from jaxseq.word2vec import vector_files, vectors
from tests.disks import closed, contents, full, shared_folder
from tests.train import tiny


ROWS = np.random.default_rng(0).standard_normal((200, 30)).astype(np.float32)
NAMES = [f"word{number}" for number in range(len(ROWS))]
VECTORS = vectors.make(NAMES, ROWS, [1] * len(ROWS))


def save_checkpoint(path):
    with stores.opened(path, {}) as store:
        number = len(list(path.glob("step_*"))) + 1
        checkpoint.save(store, number, tiny.begin(tiny.adam()).state, {"a": NAMES})


def save_log(path):
    metrics.Log(path).restart([{"number": n, "name": NAMES} for n in range(9)])


def save_onnx(path):
    params = elman.Params(ROWS[:30, :30], ROWS[:30, :30], ROWS[0])
    export.save(path, export.write(form.of_layer(elman.cell(), params)))


SAVES = {
    "vocabulary": lambda path: vocab.save(vocab.build([NAMES]), path),
    "vectors": lambda path: vector_files.save_word2vec_format(VECTORS, path),
    "vectors.bin": lambda path: vector_files.save_word2vec_format(
        VECTORS, path, binary=True
    ),
    "vectors.gz": lambda path: vector_files.save_word2vec_format(VECTORS, path),
    "arrays.safetensors": lambda path: safetensors_files.write(path, {"rows": ROWS}),
    "arrays.npz": lambda path: archive.write(path, "a format", "{}", {"rows": ROWS}),
    "checkpoints": save_checkpoint,
    "log.jsonl": save_log,
    "model.onnx": save_onnx,
    "result.json": lambda path: results.write_json(path, NAMES),
}


@pytest.mark.parametrize("trouble", [full, closed])
@pytest.mark.parametrize("name", SAVES)
def test_what_was_there_stays_and_nothing_is_left(name, trouble, capfd, caplog):
    save = SAVES[name]
    with shared_folder() as folder:
        save(folder / name)
        before = contents(folder)
        assert before
        with (
            trouble(folder) as reason,
            pytest.raises(OSError, match=reason) as error,
        ):
            save(folder / name)
        assert "\n" not in str(error.value)
        assert contents(folder) == before
        save(folder / name)
    assert (capfd.readouterr().err, caplog.text) == ("", "")
