"""Wrong calls of what stands around the layers: training, exchange, whole systems.

Rows are those of `tests.wrong_calls`.
"""

import tempfile
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import optax

from jaxseq.cells import elman, lstm
from jaxseq.interop import keras, safetensors_files, torch
from jaxseq.summarize import (
    abs_encoders,
    abs_model,
    abs_plus,
    batches,
    beam,
    copy_model,
    ensemble,
    examples,
    greedy,
    packing,
    pairs,
    ras_encoder,
    ras_model,
    risk,
    unknown,
)
from jaxseq.summarize.constraints import Options
from jaxseq.summarize.rouge import bootstrap, evaluation, metrics, settings
from jaxseq.text import files, vocab
from jaxseq.train import (
    checkpoint,
    clip,
    loop,
    order,
    precision,
    processes,
    sharding,
    state,
    step,
    stores,
)
from jaxseq.word2vec import (
    corpus,
    correlation,
    feed,
    full_softmax,
    huffman,
    nearest,
    negative_sampling,
    pairs as word_pairs,
    params as word_params,
    sampler,
    sentences,
    similarity,
    vector_files,
    vectors,
    vocab as words,
)
from tests.wrong_calls import KEY, NO_DRAW, calls, counts


PLACE = Path(tempfile.gettempdir()) / "no_such_folder"  # each is refused before it
SGD = optax.sgd(0.1)
SHORT_ORDER = {"seed": 0, "epoch": 0, "num_entries": 9, "start": 0, "stop": 9}
ONES = {"a": jnp.ones(3)}


def _cost(params, carry, batch, key):
    return step.Cost(jnp.sum(params["a"]), jnp.ones(()), carry)


def _setting(**changed):
    return _trained(setting=loop.Setting(num_updates=3)._replace(**changed))


def _trained(**changed):
    right = {"update": _update, "batch_at": _nothing_at, "training": _training}
    right |= {"setting": loop.Setting(num_updates=3)}
    return next(loop.train(**(right | changed)))


def _nothing_at(number):
    return ()


_update, _training = step.make(_cost, SGD), state.begin(ONES, SGD)


def _integers(least, *arguments):
    """Rows of sizes that are too small or none."""
    wrong = {"too small": least - 1, "float": 2.0, "None": None, "bool": True}
    for argument in arguments:
        for name, count in wrong.items():
            changed = {argument: count}
            expected = f"integer ≥ {least}"
            yield f"{argument} {name}", changed, argument, expected, repr(count)


def _fields(of, least, *fields):
    """Rows of sizes in a record, which its check names as a field of `of`."""
    for name, changed, argument, *texts in _integers(least, *fields):
        yield name, changed, f"{of}.{argument}", *texts


def _layouts(argument):
    """Rows of what is no layout, or one of devices and axes that there are not."""
    row = sharding.mesh(1)
    other = row.update(axis_names=("rows",))
    yield "layout None", {argument: None}, argument, "a Layout", "NoneType"
    yield "layout mesh", {argument: row}, argument, "a Layout", "Mesh"
    for name, mesh, *texts in (
        ("text", "x", "a Mesh", "str"),
        ("other axis", other, "in a row", "rows"),
    ):
        wrong = {argument: sharding.Layout(mesh)}
        yield f"mesh {name}", wrong, f"{argument}.mesh", *texts
    for axis in ("batch_axis", "carry_axis"):
        for name, changed, field, *texts in _fields(argument, 0, axis):
            yield name, {argument: sharding.Layout(row, **changed)}, field, *texts


def _opened(**changed):
    with stores.opened(**({"folder": PLACE, "settings": {}} | changed)):
        pass


STORE = stores.Store(PLACE, {}, stores.Keep())

TRAIN = [
    *calls(
        "loop.Setting",
        _setting,
        {},
        [
            *_fields("setting", 1, "num_updates", "max_skipped", "max_shapes"),
            *_fields("setting", 1, "evaluate_every", "record_every", "patience"),
            *_fields("setting", 0, "seed", "save_every"),
            ("seed large", {"seed": 2**32}, "setting.seed", "less than", "4294967296"),
            ("seconds 0", {"seconds": 0.0}, "setting.seconds", "above 0", "0.0"),
            ("seconds NaN", {"seconds": np.nan}, "setting.seconds", "above 0", "nan"),
            ("seconds text", {"seconds": "9"}, "setting.seconds", "above 0", "9"),
            (
                "save_seconds -1",
                {"save_seconds": -1},
                "setting.save_seconds",
                "above 0",
                "-1",
            ),
        ],
    ),
    *calls(
        "loop.train",
        _trained,
        {},
        [
            ("update None", {"update": None}, "update", "function", "NoneType"),
            ("batch_at None", {"batch_at": None}, "batch_at", "function", "NoneType"),
            (
                "training state",
                {"training": _training.state},
                "training",
                "a Training",
                "State",
            ),
            ("setting None", {"setting": None}, "setting", "a Setting", "NoneType"),
            ("setting dict", {"setting": {}}, "setting", "a Setting", "dict"),
            ("held_out number", {"held_out": 3}, "held_out", "function", "int"),
            ("store path", {"store": PLACE}, "store", "a Store", "Path"),
            ("log text", {"log": "x"}, "log", "a Log", "str"),
            ("stop number", {"stop": 1}, "stop", "a Stop", "int"),
            *_layouts("layout"),
        ],
    ),
    *calls(
        "loop.resumed",
        loop.resumed,
        {
            "store": stores.Store(PLACE, {}, stores.Keep()),
            "training": _training,
        },
        [
            ("store None", {"store": None}, "store", "a Store", "NoneType"),
            ("store path", {"store": PLACE}, "store", "a Store", "Path"),
            ("training None", {"training": None}, "training", "a Training", "None"),
        ],
    ),
    *calls(
        "step.make",
        step.make,
        {"cost": _cost, "optimizer": SGD},
        [
            *counts("num_parts"),
            ("cost None", {"cost": None}, "cost", "function", "NoneType"),
            ("cost number", {"cost": 3}, "cost", "function", "int"),
            (
                "optimizer None",
                {"optimizer": None},
                "optimizer",
                "optax.GradientTransformation",
                "NoneType",
            ),
            (
                "optimizer not called",
                {"optimizer": optax.sgd},
                "optimizer",
                "optax.GradientTransformation",
                "function",
            ),
            *_layouts("layout"),
            ("precision None", {"precision": None}, "precision", "Precision", "None"),
            ("precision text", {"precision": "bfloat16"}, "precision", "Precisi", "st"),
            (
                "precision int32",
                {"precision": precision.Precision("int32", "float32", "float32")},
                "precision.params",
                "floating-point",
                "int32",
            ),
        ],
    ),
    *calls(
        "state.begin",
        state.begin,
        {"params": ONES, "optimizer": SGD},
        [
            ("optimizer None", {"optimizer": None}, "optimizer", "optax.Gr", "None"),
            ("optimizer text", {"optimizer": "sgd"}, "optimizer", "optax.Gr", "str"),
            ("params text", {"params": "abc"}, "params", "array of numbers", "str"),
            (
                "params integers",
                {"params": {"a": jnp.arange(3)}},
                "params['a']",
                "floating-point",
                "int64[3]",
            ),
            ("carry text", {"carry": ["x"]}, "carry[0]", "array of numbers", "str"),
        ],
    ),
    *calls(
        "clip.global_norm",
        clip.global_norm,
        {},
        [
            ("text", {"tree": "abc"}, "tree", "an array", "str"),
            (
                "integers",
                {"tree": [jnp.arange(3)]},
                "tree[0]",
                "floating-point",
                "int64[3]",
            ),
        ],
    ),
    *calls(
        "clip.clip",
        clip.clip,
        {"tree": ONES, "max_norm": 1.0, "norm": clip.global_norm(ONES)},
        [
            ("max_norm NaN", {"max_norm": np.nan}, "max_norm", "finite number", "nan"),
            ("max_norm -1", {"max_norm": -1.0}, "max_norm", "above 0", "-1.0"),
            ("norm number", {"norm": 3.0}, "norm", "a Norm", "float"),
        ],
    ),
    *calls(
        "clip.clip_by_global_norm",
        clip.clip_by_global_norm,
        {},
        [
            (name, {"max_norm": value}, "max_norm", "a finite number above 0", got)
            for name, value, got in (
                ("0", 0.0, "0.0"),
                ("negative", -1, "-1"),
                ("NaN", np.nan, "nan"),
                ("inf", np.inf, "inf"),
                ("None", None, "None"),
                ("text", "1", "1"),
            )
        ],
    ),
    *calls(
        "order.place",
        order.place,
        {"number": 0, "num_batches": 3},
        [*_integers(0, "number"), *counts("num_batches")],
    ),
    *calls(
        "order.shuffled",
        order.shuffled,
        SHORT_ORDER,
        [
            *_integers(0, "seed", "epoch", "start"),
            *counts("num_entries"),
            ("stop first", {"start": 3, "stop": 2}, "stop", "integer ≥ 3", "2"),
        ],
    ),
    *calls(
        "processes.start",
        processes.start,
        {"address": "127.0.0.1:1", "num_processes": 2, "number": 0},
        [
            *counts("num_processes"),
            *_integers(0, "number"),
            ("number too large", {"number": 2}, "number", "less than 2", "2"),
            ("address None", {"address": None}, "address", "host and port", "None"),
            ("no port", {"address": "localhost"}, "address", "host and port", "local"),
            ("port text", {"address": "a:b"}, "address", "host and port", "a:b"),
        ],
    ),
    *calls(
        "sharding.mesh",
        sharding.mesh,
        {},
        [
            *(row for row in counts("num_devices") if "None" not in row[0]),
            ("too many", {"num_devices": 99}, "num_devices", "at most", "99"),
        ],
    ),
    *calls(
        "sharding.place",
        sharding.place,
        {"where": sharding.Layout(), "optimizer": SGD, "state": _training.state},
        [
            *_layouts("where"),
            ("state params", {"state": ONES}, "state", "a State", "dict"),
        ],
    ),
    *calls(
        "sharding.place_batch",
        sharding.place_batch,
        {"where": sharding.Layout(sharding.mesh()), "batch": np.ones((4, 2))},
        [
            ("no rows", {"batch": np.ones(())}, "batch", "multiple of", "[]"),
        ],
    ),
    *calls(
        "stores.opened",
        _opened,
        {},
        [
            *(
                (f"keep.{row[0]}", {"keep": stores.Keep(**row[1])}, *row[2:])
                for row in _fields("keep", 1, "last")
            ),
            *(
                (f"keep.{row[0]}", {"keep": stores.Keep(**row[1])}, *row[2:])
                for row in _fields("keep", 0, "best")
            ),
            (
                "settings NaN",
                {"settings": {"a": np.nan}},
                "settings",
                "JSON",
                "float values",
            ),
            ("settings array", {"settings": ONES}, "settings", "JSON", "not JSON"),
            ("settings list", {"settings": [1, 2]}, "settings", "mapping", "list"),
            ("settings twice", {"settings": {1: 2, "1": 3}}, "settings", "JSON", "1"),
            ("folder None", {"folder": None}, "folder", "a path", "NoneType"),
            ("keep tuple", {"keep": (2, 1)}, "keep", "a Keep", "tuple"),
        ],
    ),
    *(
        call
        for function, right in (
            (checkpoint.latest, {"like": ONES}),
            (checkpoint.best, {"like": ONES}),
            (stores.clear, {}),
            (stores.put_aside, {"number": 1}),
        )
        for call in calls(
            f"{function.__module__.removeprefix('jaxseq.train.')}.{function.__name__}",
            function,
            {"store": STORE, **right},
            [("store path", {"store": PLACE}, "store", "a Store", "PosixPath")],
        )
    ),
    *calls(
        "checkpoint.load",
        checkpoint.load,
        {"store": STORE, "number": 1, "like": ONES},
        [
            ("store None", {"store": None}, "store", "a Store", "NoneType"),
            *_integers(0, "number"),
        ],
    ),
    *calls(
        "checkpoint.save",
        checkpoint.save,
        {"store": STORE, "number": 1, "tree": ONES, "host": {}, "score": None},
        [
            ("store None", {"store": None}, "store", "a Store", "NoneType"),
            *_integers(0, "number"),
            ("tree empty", {"tree": {}}, "tree", "an array with entries", "none"),
            ("score NaN", {"score": np.nan}, "score", "finite number", "nan"),
            ("score text", {"score": "low"}, "score", "finite number", "low"),
            ("host array", {"host": ONES}, "host", "JSON", "not JSON"),
            ("host text", {"host": "here"}, "host", "mapping", "str"),
            ("tree of text", {"tree": {"a": "b"}}, "['a']", "array of numbers", "str"),
            ("tree of keys", {"tree": {"a": KEY}}, "['a']", "array of numbers", "key"),
        ],
    ),
]

ARRAYS = {"a": np.ones((2, 3), np.float32)}
LAYER = lstm.init(KEY, 2, 3, "float32")
STATE_DICT = {
    "weight_ih_l0": np.ones((12, 2), np.float32),
    "weight_hh_l0": np.ones((12, 3), np.float32),
    "bias_ih_l0": np.ones(12, np.float32),
    "bias_hh_l0": np.ones(12, np.float32),
}


def _state_dict(**changed):
    return {"state_dict": {**STATE_DICT, **changed}}


INTEROP = [
    *calls(
        "safetensors_files.write",
        safetensors_files.write,
        {"path": PLACE, "arrays": ARRAYS},
        [
            ("metadata", {"metadata": {"a": 1}}, "metadata", "texts by name", "1"),
            ("text", {"arrays": {"a": "b"}}, "a", "dtype of safetensors", "<U1[]"),
            ("complex", {"arrays": {"a": 1j}}, "a", "dtype of safetensors", "complex"),
            ("climbs", {"arrays": {"../a": 1.0}}, "name of an array", "no ..", "../a"),
            ("no name", {"arrays": {"": 1.0}}, "name of an array", "1 to 512", "''"),
            ("number", {"arrays": {3: 1.0}}, "name of an array", "a text", "3"),
            ("arrays list", {"arrays": [1.0]}, "arrays", "by name", "list"),
        ],
    ),
    *calls(
        "safetensors_files.save",
        safetensors_files.save,
        {"path": PLACE, "tree": ARRAYS},
        [
            ("tree text", {"tree": {"a": "b"}}, "a", "an array", "str"),
            ("tree number", {"tree": 3}, "tree", "an array", "int"),
            ("tree array", {"tree": ARRAYS["a"]}, "tree", "names of their own", "''"),
        ],
    ),
    *calls(
        "torch.read",
        torch.read,
        {"state_dict": STATE_DICT},
        [
            ("nothing", {"state_dict": {}}, "state_dict", "weight_hh_l0", "none"),
            ("None", {"state_dict": None}, "state_dict", "arrays by name", "NoneType"),
            ("other prefix", {"prefix": "a."}, "state_dict", "a.weight_hh_l0", "none"),
            (
                "no recurrent matrix",
                {"state_dict": {"weight_ih_l0": STATE_DICT["weight_ih_l0"]}},
                "state_dict",
                "weight_hh_l0",
                "weight_ih_l0 float32[12, 2]",
            ),
            (
                "integers",
                _state_dict(weight_ih_l0=np.ones((12, 2), int)),
                "weight_ih_l0",
                "floating-point",
                "int64[12, 2]",
            ),
            (
                "bias too short",
                _state_dict(bias_ih_l0=np.ones(9, np.float32)),
                "state_dict",
                "lstm, I = 2, H = 3",
                "bias_ih_l0 float32[9] in place of float32[12]",
            ),
        ],
    ),
    *calls(
        "torch.write",
        torch.write,
        {"layers": [lstm.cell()], "params": [LAYER]},
        [
            ("one cell", {"layers": lstm.cell()}, "layers", "list of cells", "Cell"),
            ("no layers", {"layers": []}, "layers", "at least one", "none"),
            (
                "params None",
                {"params": None},
                "params",
                "1 entries",
                "None",
            ),
            (
                "params two",
                {"params": [LAYER] * 2},
                "params",
                "1 entries",
                "2",
            ),
            (
                "params of Elman",
                {"params": [elman.init(KEY, 2, 3)]},
                "params[0]",
                "",
                "",
            ),
        ],
    ),
    *calls(
        "keras.read",
        keras.read,
        {"weights": [np.ones((2, 12)), np.ones((3, 12)), np.ones(12)]},
        [
            ("none", {"weights": []}, "weights", "2", "0"),
            ("None", {"weights": None}, "weights", "a list", "NoneType"),
            ("one", {"weights": [np.ones((2, 12))]}, "weights", "2", "1"),
            ("text", {"weights": "kernel"}, "weights", "a list", "str"),
        ],
    ),
]

KNOWN = vocab.build([["a", "b"]])
EXAMPLE = examples.Example(
    examples.encode(KNOWN, ["a", "x"], 4), np.array([4, 3], np.int32)
)
SHAPES = (batches.Shape(4, 4, 8),)
HYPOTHESES = {"hypotheses": ["a b"], "references": [["a"]]}
MODEL = copy_model.model(6, 2, 3)
SIZES = {"num_ids": 6, "num_inputs": 2, "num_hidden": 3}


def _searched(search):
    def call(**changed):
        return search(None, None, None, Options(beam_size=2, max_length=3), **changed)

    return call


SUMMARIZE = [
    *calls(
        "copy_model.init",
        copy_model.init,
        {"key": KEY, **SIZES},
        [*counts(*SIZES), *NO_DRAW[:3]],
    ),
    *calls(
        "copy_model.model",
        copy_model.model,
        SIZES,
        [
            ("weight", {"coverage_weight": -1}, "coverage_weight", "0 or more", "-1"),
            ("text", {"coverage_weight": "1"}, "coverage_weight", "0 or more", "1"),
        ],
    ),
    *calls(
        "abs_model.init",
        abs_model.init,
        {"encoder": abs_encoders.none(), "key": KEY, **SIZES, "num_context": 2},
        [*counts(*SIZES, "num_context"), *NO_DRAW[:3]],
    ),
    *calls("abs_encoders.bag_of_words", abs_encoders.bag_of_words, {}, counts("size")),
    *calls(
        "abs_encoders.convolution",
        abs_encoders.convolution,
        {"size": 3},
        [*counts("size", "num_layers"), *_integers(0, "radius")],
    ),
    *calls(
        "abs_encoders.attentive",
        abs_encoders.attentive,
        {"size": 3},
        [*counts("size"), *_integers(0, "radius")],
    ),
    *calls(
        "abs_plus.tune",
        abs_plus.tune,
        {"measure": lambda weights: 0.0},
        [
            *counts("num_candidates"),
            *_integers(0, "seed"),
            ("NaN", {"measure": lambda weights: np.nan}, "measure", "a number", "NaN"),
            ("measure None", {"measure": None}, "measure", "function", "NoneType"),
        ],
    ),
    *calls(
        "ras_encoder.convolution",
        ras_encoder.convolution,
        {"max_words": 4},
        [*counts("max_words", "width"), ("even", {"width": 4}, "width", "odd", "4")],
    ),
    *calls(
        "ras_model.init",
        ras_model.init,
        {"cell": lstm.cell(), "encoder": ras_encoder.nothing(), "key": KEY, **SIZES},
        [
            *counts(*SIZES),
            ("cell not called", {"cell": lstm.cell}, "cell", "Cell", "must be called"),
            ("key None", {"key": None}, "key", "random key", "None"),
        ],
    ),
    *calls(
        "ensemble.model",
        ensemble.model,
        {"member": MODEL, "num_members": 2},
        counts("num_members"),
    ),
    *calls(
        "risk.least",
        risk.least,
        {"sharpness": 1.0, "length_norm": 1.0},
        [
            (f"{name} {got}", {name: value}, name, "a number of 0 or more", got)
            for name in ("sharpness", "length_norm")
            for value, got in ((-1.0, "-1.0"), (np.nan, "nan"), ("1", "'1'"))
        ],
    ),
    *calls(
        "examples.encode",
        examples.encode,
        {"vocab": KNOWN, "words": ["a"], "max_words": 3},
        [
            *counts("max_words"),
            ("words text", {"words": "a b"}, "words", "list of words", "'a b'"),
        ],
    ),
    *calls(
        "batches.shapes_of",
        batches.shapes_of,
        {"examples": [EXAMPLE], "batch_size": 2},
        [
            *counts("batch_size", "num_shapes"),
            ("none", {"examples": []}, "examples", "one at least", "none"),
        ],
    ),
    *calls(
        "summarize.batches.deal",
        batches.deal,
        {"examples": [EXAMPLE], "batch_size": 2, "shapes": SHAPES},
        [
            *counts("batch_size", "num_parts"),
            ("none", {"examples": []}, "examples", "one at least", "none"),
            ("odd", {"num_parts": 3}, "batch_size", "a multiple of num_parts, 3", "2"),
        ],
    ),
    *calls(
        "summarize.batches.plan",
        batches.plan,
        {"dealt": batches.deal([EXAMPLE], 2, SHAPES), "seed": 0, "epoch": 0}
        | {"index": 0},
        [
            *_integers(0, "seed", "epoch", "index"),
            ("index behind", {"index": 1}, "index", "less than 1", "1"),
        ],
    ),
    *calls(
        "packing.of",
        packing.of,
        {"lengths": np.array([2, 1]), "num_steps": 3, "num_places": 4},
        [
            ("few places", {"num_places": 2}, "num_places", "3 at least", "2"),
            ("long", {"lengths": np.array([4])}, "lengths", "at most T = 3", "4"),
        ],
    ),
    *calls(
        "pairs.from_files",
        pairs.from_files,
        {"paths": ["a.tsv"]},
        [
            ("none", {"paths": []}, "paths", "one file, or two", "0"),
            ("three", {"paths": ["a", "b", "c"]}, "paths", "one file, or two", "3"),
            ("text", {"paths": "a.tsv"}, "paths", "one file, or two", "'a.tsv'"),
        ],
    ),
    *(
        call
        for search in (beam.search, greedy.greedy)
        for call in calls(
            search.__name__,
            search,
            {"decoder": None, "params": (), "memory": (), "options": Options()},
            [
                ("no decoder", {}, "decoder", "Decoder", "NoneType"),
                ("name", {"decoder": "copy"}, "decoder", "Decoder", "str"),
            ],
        )
    ),
    *calls(
        "unknown.replace_unknown",
        unknown.replace_unknown,
        {
            "words": ["a", "?"],
            "is_unknown": [False, True],
            "weights": np.ones((2, 3)),
            "document": ["x", "y", "z"],
        },
        [
            ("one flag", {"is_unknown": [True]}, "is_unknown", "2", "1"),
            ("weights", {"weights": np.ones((3, 2))}, "weights", "2, 3", "[3, 2]"),
        ],
    ),
    *calls(
        "rouge.evaluate",
        evaluation.evaluate,
        HYPOTHESES,
        [
            ("none", {"hypotheses": []}, "hypotheses", "at least one", "none"),
            ("text", {"hypotheses": "a b"}, "hypotheses", "list of texts", "'a b'"),
            ("number", {"hypotheses": [3]}, "hypotheses[0]", "text", "int"),
            ("too many", {"references": [["a"]] * 2}, "references", "1", "2"),
            (
                "unlisted",
                {"references": ["a"]},
                "references[0]",
                "list of texts",
                "'a'",
            ),
            ("empty", {"references": [[]]}, "references[0]", "not empty", "[]"),
            ("None", {"references": [[None]]}, "references[0]", "text", "None"),
        ],
    ),
    *calls("rouge.rouge_n", metrics.rouge_n, {}, counts("n")),
    *calls("rouge.first_words", settings.first_words, {}, counts("count")),
    *calls("rouge.first_bytes", settings.first_bytes, {}, counts("count")),
    *calls(
        "rouge.interval",
        bootstrap.interval,
        {"values": [0.1, 0.2]},
        [
            ("none", {"values": []}, "values", "at least one", "[0"),
            ("table", {"values": np.ones((2, 2))}, "values", "[n] numbers", "[2, 2]"),
            ("NaN", {"values": [np.nan]}, "values", "finite", "NaN"),
            (
                "level 1",
                {"resampling": bootstrap.Resampling(level=1.0)},
                "level",
                "between 0 and 1",
                "1.0",
            ),
        ],
    ),
    *calls(
        "rouge.difference",
        bootstrap.difference,
        {"values": [0.1, 0.2], "baseline": [0.1, 0.2]},
        [("shorter", {"baseline": [0.1]}, "baseline", "2 scores", "[1]")],
    ),
]

ROWS = np.eye(3, 2, dtype=np.float32)
FOUND = vectors.make(["a", "b", "c"], ROWS + 1)
COUNTED = np.array([3, 2, 1])
TEXT = corpus.Corpus(np.array([0, 1, 0, -1], np.int32), 3, 1)
NO_COUNTS = [
    ("counts list", {"counts": [1, 2]}, "counts", "array [V] of integers", "list"),
    ("counts float", {"counts": np.ones(2)}, "counts", "integers", "float64[2]"),
    ("counts none", {"counts": np.ones(0, int)}, "counts", "V ≥ 1", "int64[0]"),
    ("counts 0", {"counts": np.array([2, 0])}, "counts", "1 to 2^63 - 1", "0 at [1]"),
    ("counts table", {"counts": np.ones((2, 2), int)}, "counts", "[V]", "[2, 2]"),
]
WORD2VEC = [
    *calls(
        "vectors.make",
        vectors.make,
        {"words": ["a", "b", "c"], "rows": ROWS},
        [
            ("text", {"words": "abc"}, "words", "list of words", "'abc'"),
            ("none", {"words": []}, "words", "at least one", "none"),
            ("number", {"words": ["a", "b", 3]}, "words[2]", "str", "3"),
            ("twice", {"words": ["a", "b", "a"]}, "words", "every word once", "a"),
            ("rows list", {"rows": ROWS.tolist()}, "rows", "float32[3, D]", "list"),
            ("rows too few", {"rows": ROWS[:2]}, "rows", "3", "[2, 2]"),
            ("rows vector", {"rows": ROWS[:, 0]}, "rows", "3", "float32[3]"),
            ("rows NaN", {"rows": ROWS * np.nan}, "rows[0]", "finite", "nan"),
            ("counts too few", {"counts": [1]}, "counts", "3", "[1]"),
            ("counts negative", {"counts": [1, 2, -1]}, "counts", "0 to 2^63", "-1"),
        ],
    ),
    *calls(
        "nearest.most_similar",
        nearest.most_similar,
        {"vectors": FOUND, "positive": "a"},
        [
            (
                "nothing",
                {"positive": None},
                "positive and negative",
                "one word",
                "none",
            ),
            ("cancelled", {"negative": "a"}, "positive and negative", "", "zero"),
            ("topn text", {"topn": "3"}, "topn", "an integer or None", "'3'"),
            ("restrict 0", {"restrict_vocab": 0}, "restrict_vocab", "≥ 1", "0"),
            (
                "vector too long",
                {"positive": [np.ones(5)]},
                "positive[0]",
                "a finite vector [2]",
                "float64[5]",
            ),
        ],
    ),
    *calls(
        "nearest.most_similar_cosmul",
        nearest.most_similar_cosmul,
        {"vectors": FOUND},
        [("nothing", {}, "positive", "at least one word", "none")],
    ),
    *calls(
        "similarity.n_similarity",
        similarity.n_similarity,
        {"vectors": FOUND, "ws1": ["a"], "ws2": ["b"]},
        [
            ("ws1 none", {"ws1": []}, "ws1", "at least one word", "none"),
            ("ws2 none", {"ws2": []}, "ws2", "at least one word", "none"),
        ],
    ),
    *calls(
        "similarity.doesnt_match",
        similarity.doesnt_match,
        {"vectors": FOUND, "words": ["a"]},
        [("none", {"words": []}, "words", "at least one", "none")],
    ),
    *calls(
        "vocab.rank",
        words.rank,
        {"counted": {"a": 3}, "min_count": 1},
        [
            *counts("min_count"),
            *(row for row in counts("max_vocab") if "None" not in row[0]),
            ("none", {"counted": {}}, "counted", "at least one word", "none"),
            ("all rare", {"min_count": 4}, "", "", ""),
        ],
    ),
    *calls(
        "vocab.keep_probability",
        words.keep_probability,
        {"counts": COUNTED, "sample": 1e-3},
        [
            *NO_COUNTS,
            ("sample 1", {"sample": 1}, "sample", "[0, 1)", "1"),
            ("sample text", {"sample": "0"}, "sample", "[0, 1)", "'0'"),
        ],
    ),
    *calls(
        "vocab.noise",
        words.noise,
        {"counts": COUNTED},
        [
            *NO_COUNTS,
            ("exponent NaN", {"exponent": np.nan}, "exponent", "finite number", "nan"),
            ("exponent None", {"exponent": None}, "exponent", "finite number", "None"),
        ],
    ),
    *calls("huffman.build", huffman.build, {}, NO_COUNTS),
    *calls(
        "sampler.make",
        sampler.make,
        {},
        [
            (name, {"probabilities": p}, "probabilities", "", "")
            for name, p in (
                ("not one in sum", np.array([0.5, 0.6])),
                ("negative", np.array([1.5, -0.5])),
                ("NaN", np.array([np.nan, 1.0])),
                ("none", np.array([])),
                ("table", np.full((2, 2), 0.25)),
            )
        ],
    ),
    *calls(
        "pairs.pairs",
        word_pairs.pairs,
        {"tokens": ["a", "b"], "window": 1},
        counts("window"),
    ),
    *calls(
        "word2vec.params.init",
        word_params.init,
        {"key": KEY, "num_words": 3, "num_columns": 2, "num_outputs": 3},
        [
            *counts("num_words", "num_columns", "num_outputs"),
            *NO_DRAW,
        ],
    ),
    *(
        call
        for objective in (negative_sampling.skip_gram, negative_sampling.cbow)
        for call in calls(
            f"negative_sampling.{objective.__name__}",
            objective,
            {"num_words": 3},
            counts("num_words", "num_negatives"),
        )
    ),
    *(
        call
        for objective in (full_softmax.skip_gram, full_softmax.cbow)
        for call in calls(
            f"full_softmax.{objective.__name__}", objective, {}, counts("num_words")
        )
    ),
    *calls(
        "feed.span",
        feed.span,
        {"corpus": TEXT, "keep": np.ones(2), "size": 2, "reach": 1}
        | {"seed": 0, "epoch": 0, "number": 0},
        [
            *counts("size", "reach"),
            *_integers(0, "seed", "epoch", "number"),
            ("keep table", {"keep": np.ones((2, 2))}, "keep", "[V]", "float64[2, 2]"),
        ],
    ),
    *calls(
        "correlation.pearson",
        correlation.pearson,
        {"x": [1.0, 2.0], "y": [1.0, 2.0]},
        [("y shorter", {"y": [1.0]}, "y", "[n] values", "[1]")],
    ),
    *calls(
        "sentences.from_files",
        lambda paths=("a",), split=str.split: list(
            sentences.from_files(*paths, split=split)
        ),
        {},
        [
            ("none", {"paths": ()}, "paths", "at least one file", "none"),
            ("split text", {"split": " "}, "split", "function", "str"),
        ],
    ),
    *calls(
        "vector_files.load_word2vec_format",
        vector_files.load_word2vec_format,
        {"path": PLACE},
        [row for row in counts("limit") if "None" not in row[0]],
    ),
    *calls(
        "vector_files.save_word2vec_format",
        vector_files.save_word2vec_format,
        {"vectors": FOUND, "path": PLACE, "fvocab": PLACE / "b"},
        [("no counts", {}, "vectors", "counts, as fvocab is given", "none")],
    ),
    *calls(
        "corpus.read",
        corpus.read,
        {"sentences": [["a"]]},
        [
            ("none", {"sentences": []}, "sentences", "at least one word", "none"),
            ("text", {"sentences": ["a b"]}, "sentences[0]", "a list of", "'a b'"),
            (
                "number",
                {"sentences": [[3]], "min_count": 1},
                "sentences",
                "str",
                "int 3",
            ),
        ],
    ),
]

TEXTS = [
    *calls(
        "text.vocab.encode",
        vocab.encode,
        {"vocab": KNOWN, "tokens": ["a"]},
        [
            ("text", {"tokens": "a b"}, "tokens", "tokens", "'a b'"),
            ("None", {"tokens": None}, "tokens", "tokens", "None"),
        ],
    ),
    *calls(
        "files.read_lines",
        lambda **arguments: next(files.read_lines(**arguments)),
        {"path": PLACE},
        counts("max_line_bytes"),
    ),
]

WRONG_CALLS_OF_TASKS = (*TRAIN, *INTEROP, *SUMMARIZE, *WORD2VEC, *TEXTS)
