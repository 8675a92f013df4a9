"""Wrong calls of the public functions, one mistake each, and what the error must say.

A row gives the call, the argument that the message must name, and what must stand in it
as expected and as what came.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxseq import embedding, generate, language_model, readout as output
from jaxseq.attention import additive, dot, general
from jaxseq.attention.attend import attend, attend_plain
from jaxseq.attention.memory import Memory, remember, remember_plain
from jaxseq.cells import derived, elman, gru, jordan, lstm, lstm_coupled, lstm_lecture
from jaxseq.losses import bernoulli, cross_entropy, cross_entropy_soft, squared_error
from jaxseq.network import Both, drop, init as init_stack, stack
from jaxseq.text import batches, vocab
from jaxseq.truncate import unroll_truncated
from jaxseq.unroll import unroll, unroll_plain


class WrongCall(NamedTuple):
    """A call and its message: "argument: expected ..., got ..."."""

    name: str
    call: Callable
    argument: str
    expected: str
    got: str


NUM_STEPS, BATCH, NUM_INPUTS, NUM_HIDDEN = 5, 4, 2, 3
XS = np.ones((NUM_STEPS, BATCH, NUM_INPUTS))
STATE = np.zeros((BATCH, NUM_HIDDEN))
LENGTHS = np.array([5, 3, 0, 1])
RESETS = np.zeros((NUM_STEPS, BATCH), bool)
ELMAN = elman.Params(np.ones((3, 2)), np.ones((3, 3)), np.ones(3))
LSTM = lstm.Params(np.ones((12, 2)), np.ones((12, 3)), np.ones(12))
GRU = gru.ParamsBefore(np.ones((9, 2)), np.ones((9, 3)), np.ones(9))
LSTM_STATE = lstm.State(STATE, STATE)


def _cast(tree, dtype):
    return jax.tree.map(lambda a: a.astype(dtype), tree)


def _float32(tree):
    return _cast(tree, np.float32)


def _unroll(rows, function=unroll, prefix="unroll"):
    """Rows of a name, what differs from a right call, and the three texts."""
    for name, changed, *texts in rows:
        yield WrongCall(f"{prefix}: {name}", _caller(function, changed), *texts)


def _caller(function, changed):
    right = {"cell": elman.cell(), "params": ELMAN, "state_0": None, "xs": XS}
    return lambda: function(**(right | changed))


CELLS = {
    "not called": ({"cell": elman.cell}, "cell", "Cell", "must be called"),
    "module": ({"cell": elman}, "cell", "Cell", "module"),
    "name": ({"cell": "elman"}, "cell", "Cell", "str"),
    "none": ({"cell": None}, "cell", "Cell", "NoneType"),
    "no sizes": (
        *({"cell": elman.cell()._replace(sizes=None)}, "cell.sizes"),
        *("a function", "NoneType"),
    ),
    "params first": ({"cell": ELMAN, "params": elman.cell()}, "cell", "Cell", "Params"),
}

UNROLL = [
    *((f"cell {name}", *row) for name, row in CELLS.items()),
    # Parameters.
    ("params None", {"params": None}, "params", "elman", "None"),
    ("params string", {"params": "weights"}, "params", "array", "str"),
    ("params of LSTM", {"params": LSTM}, "params", "elman.Params", "lstm.Params"),
    ("params plain tuple", {"params": tuple(ELMAN)}, "params", "elman", "(*, *, *)"),
    ("params dict", {"params": ELMAN._asdict()}, "params", "elman", "'U'"),
    ("params float32", {"params": _float32(ELMAN)}, "params.U", "float64", "float32"),
    (
        "params of mixed dtypes",
        {"params": ELMAN._replace(b=np.ones(3, np.float32))},
        "params.b",
        "float64",
        "float32",
    ),
    (
        "params integer",
        {"params": ELMAN._replace(b=np.ones(3, int))},
        "params.b",
        "floating-point",
        "int64[3]",
    ),
    (
        "params list",
        {"params": ELMAN._replace(b=[0.0] * 3)},
        "params.b",
        "array",
        "float",
    ),
    ("params scalar", {"params": ELMAN._replace(b=0.0)}, "params.b", "array", "float"),
    ("params missing", {"params": ELMAN._replace(b=None)}, "params", "b=*", "b=None"),
    (
        "params.b too long",
        {"params": ELMAN._replace(b=np.ones(4))},
        "params.b",
        "float64[3]",
        "float64[4]",
    ),
    (
        "params.W not square",
        {"params": ELMAN._replace(W=np.ones((3, 4)))},
        "params.",
        "float64[4",
        "float64[3",
    ),
    (
        "params.U transposed",
        {"params": ELMAN._replace(U=np.ones((2, 3)))},
        "params.U",
        "float64[3",
        "float64[2, 3]",
    ),
    (
        "params of GRU after",
        {"cell": gru.reset_after(), "params": GRU},
        "params",
        "gru.after.ParamsAfter",
        "gru.before.ParamsBefore",
    ),
    (
        "params of four gates for three",
        {"cell": lstm_coupled.cell(), "params": LSTM},
        "params.U",
        "float64[9, 2]",
        "float64[12, 2]",
    ),
    # Inputs.
    ("xs list", {"xs": XS.tolist()}, "xs", "array", "list"),
    ("xs None", {"xs": None}, "xs", "array", "NoneType"),
    ("xs string", {"xs": "text"}, "xs", "array", "str"),
    ("xs integers", {"xs": XS.astype(int)}, "xs", "floating-point", "int64[5, 4, 2]"),
    ("xs bool", {"xs": XS > 0}, "xs", "floating-point", "bool[5, 4, 2]"),
    ("xs complex", {"xs": XS + 0j}, "xs", "floating-point", "complex128[5, 4, 2]"),
    (
        "xs objects",
        {"xs": XS.astype(object)},
        "xs",
        "floating-point",
        "object[5, 4, 2]",
    ),
    ("xs scalar", {"xs": np.array(1.0)}, "xs", "two axes", "float64[]"),
    ("xs one axis", {"xs": XS[:, 0, 0]}, "xs", "two axes", "float64[5]"),
    ("xs empty batch", {"xs": XS[:, :0]}, "xs", "no empty axis", "float64[5, 0, 2]"),
    ("xs no features", {"xs": XS[..., :0]}, "xs", "no empty axis", "float64[5, 4, 0]"),
    ("xs wrong I", {"xs": np.ones((5, 4, 3))}, "xs", "I = 2", "float64[5, 4, 3]"),
    ("xs features first", {"xs": XS.T}, "xs", "I = 2", "float64[2, 4, 5]"),
    (
        "xs batch first",
        {"xs": XS.swapaxes(0, 1), "lengths": LENGTHS},
        "lengths",
        "shape [5]",
        "int64[4]",
    ),
    ("xs float32", {"xs": _float32(XS)}, "params.U", "float32", "float64"),
    # States.
    ("state_0 other batch", {"state_0": STATE[:2]}, "state_0", "[4, 3]", "[2, 3]"),
    ("state_0 no batch", {"state_0": STATE[0]}, "state_0", "[4, 3]", "[3]"),
    ("state_0 with time", {"state_0": STATE[None]}, "state_0", "[4, 3]", "[1, 4, 3]"),
    ("state_0 other H", {"state_0": np.ones((4, 2))}, "state_0", "[4, 3]", "[4, 2]"),
    ("state_0 float32", {"state_0": _float32(STATE)}, "state_0", "float64", "float32"),
    ("state_0 scalar", {"state_0": 0.0}, "state_0", "array", "float"),
    ("state_0 string", {"state_0": "zeros"}, "state_0", "array", "str"),
    ("state_0 list", {"state_0": [STATE]}, "state_0", "*", "[*]"),
    ("state_0 of LSTM", {"state_0": LSTM_STATE}, "state_0", "*", "State(h=*, c=*)"),
    (
        "state_0 of Elman",
        {"cell": lstm.cell(), "params": LSTM, "state_0": STATE},
        "state_0",
        "State(h=*, c=*)",
        "*",
    ),
    (
        "state_0 plain tuple",
        {"cell": lstm.cell(), "params": LSTM, "state_0": (STATE, STATE)},
        "state_0",
        "State(h=*, c=*)",
        "(*, *)",
    ),
    (
        "state_0.c other batch",
        {"cell": lstm.cell(), "params": LSTM, "state_0": lstm.State(STATE, STATE[:1])},
        "state_0.c",
        "[4, 3]",
        "[1, 3]",
    ),
    (
        "reset_state other batch",
        {"reset_state": STATE[:2]},
        "reset_state",
        "4, 3",
        "2, 3",
    ),
    ("reset_state scalar", {"reset_state": 0.5}, "reset_state", "array", "float"),
    # Lengths.
    ("lengths too long", {"lengths": LENGTHS + 1}, "lengths", "0 to T = 5", "6 at [0]"),
    ("lengths negative", {"lengths": LENGTHS - 1}, "lengths", "0 to T", "-1 at [2]"),
    ("lengths float", {"lengths": LENGTHS * 1.0}, "lengths", "integer", "float64[4]"),
    ("lengths bool", {"lengths": LENGTHS > 0}, "lengths", "integer", "bool[4]"),
    ("lengths list", {"lengths": LENGTHS.tolist()}, "lengths", "integer", "list"),
    ("lengths int", {"lengths": 5}, "lengths", "integer", "int"),
    ("lengths string", {"lengths": "5"}, "lengths", "integer", "str"),
    ("lengths scalar", {"lengths": np.array(5)}, "lengths", "shape [4]", "int64[]"),
    ("lengths too few", {"lengths": LENGTHS[:3]}, "lengths", "shape [4]", "int64[3]"),
    ("lengths column", {"lengths": LENGTHS[:, None]}, "lengths", "shape [4]", "[4, 1]"),
    # Resets.
    (
        "resets integers",
        {"resets": RESETS.astype(int)},
        "resets",
        "bool",
        "int64[5, 4]",
    ),
    ("resets float", {"resets": RESETS * 1.0}, "resets", "bool", "float64[5, 4]"),
    ("resets list", {"resets": RESETS.tolist()}, "resets", "bool", "list"),
    ("resets True", {"resets": True}, "resets", "bool", "bool"),
    ("resets no batch", {"resets": RESETS[:, 0]}, "resets", "shape [5, 4]", "bool[5]"),
    ("resets batch first", {"resets": RESETS.T}, "resets", "[5, 4]", "bool[4, 5]"),
    ("resets features", {"resets": XS > 0}, "resets", "[5, 4]", "bool[5, 4, 2]"),
    # Direction.
    ("reverse string", {"reverse": "backward"}, "reverse", "True or False", "backward"),
    ("reverse None", {"reverse": None}, "reverse", "True or False", "None"),
]

PLAIN = [
    row for row in UNROLL if row[0].startswith(("cell", "xs", "lengths", "reverse"))
]

TRUNCATED = [
    ("cell not called", {"cell": elman.cell, "num_steps": 2}, "cell", "Cell", "called"),
    (
        "lengths float",
        {"lengths": LENGTHS * 1.0, "num_steps": 2},
        "lengths",
        "integer",
        "float64",
    ),
    ("num_steps 0", {"num_steps": 0}, "num_steps", "integer ≥ 1", "0"),
    ("num_steps negative", {"num_steps": -2}, "num_steps", "integer ≥ 1", "-2"),
    ("num_steps float", {"num_steps": 2.0}, "num_steps", "integer ≥ 1", "2.0"),
    ("num_steps bool", {"num_steps": True}, "num_steps", "integer ≥ 1", "True"),
    ("num_steps string", {"num_steps": "2"}, "num_steps", "integer ≥ 1", "2"),
    ("num_steps None", {"num_steps": None}, "num_steps", "integer ≥ 1", "None"),
    ("unroll None", {"num_steps": 2, "unroll": None}, "unroll", "function", "None"),
]

KEY = jax.random.key(0)
BOTH = Both(elman.cell(), elman.cell())


def _no_step(params, state_tm1, x_t):
    return state_tm1


def calls(prefix, function, right, rows):
    """Rows of a name, what differs from the right arguments, and the three texts."""
    for name, changed, *texts in rows:
        arguments = right | changed
        call = lambda arguments=arguments: function(**arguments)
        yield WrongCall(f"{prefix}: {name}", call, *texts)


INIT = calls(
    "network.init",
    init_stack,
    {"key": KEY, "layers": [elman.cell()], "num_inputs": 2, "num_hidden": 3},
    [
        ("one cell", {"layers": elman.cell()}, "layers", "list of cells", "Cell"),
        ("one pair", {"layers": BOTH}, "layers", "list of cells", "Both"),
        ("no layers", {"layers": []}, "layers", "at least one", "none"),
        ("layers None", {"layers": None}, "layers", "list of cells", "NoneType"),
        (
            "generator",
            {"layers": iter([elman.cell()])},
            "layers",
            "list of",
            "iterator",
        ),
        ("not called", {"layers": [elman.cell]}, "layers[0]", "Cell", "must be called"),
        ("name", {"layers": [elman.cell(), "lstm"]}, "layers[1]", "Cell", "str"),
        (
            "half a pair",
            {"layers": [Both(elman.cell(), None)]},
            "layers[0]",
            "Cell",
            "None",
        ),
        ("plain pair", {"layers": [(elman.cell(),) * 2]}, "layers[0]", "Cell", "tuple"),
        (
            "no init",
            {"layers": [derived.from_step(_no_step)]},
            "init",
            "one",
            "derived",
        ),
        ("key None", {"key": None}, "key", "random key", "None"),
        ("key integer", {"key": 0}, "key", "random key", "int"),
        ("num_inputs 0", {"num_inputs": 0}, "num_inputs", "integer ≥ 1", "0"),
        ("num_inputs float", {"num_inputs": 2.0}, "num_inputs", "integer ≥ 1", "2.0"),
        ("num_hidden 0", {"num_hidden": 0}, "num_hidden", "integer ≥ 1", "0"),
        ("num_hidden list", {"num_hidden": [3]}, "num_hidden", "integer ≥ 1", "[3]"),
        ("dtype int", {"dtype": int}, "dtype", "floating-point", "int"),
    ],
)

STACK = calls(
    "network.stack",
    stack,
    {"layers": [elman.cell()], "params": (ELMAN,), "states_0": None, "xs": XS},
    [
        ("one cell", {"layers": elman.cell()}, "layers", "list of cells", "Cell"),
        ("params missing", {"params": ()}, "params", "one entry a layer, 1", "0"),
        ("params None", {"params": None}, "params", "one entry a layer, 1", "None"),
        ("params of one layer", {"params": ELMAN}, "params", "a layer, 1", "3"),
        (
            "params of LSTM",
            {"params": (LSTM,)},
            "layer 0: params",
            "elman.Params",
            "lstm.Params",
        ),
        (
            "states_0 too many",
            {"states_0": [None, None]},
            "states_0",
            "a layer, 1",
            "2",
        ),
        ("states_0 array", {"states_0": STATE}, "states_0", "a layer, 1", "ndarray"),
        (
            "states_0 other batch",
            {"states_0": [STATE[:1]]},
            "layer 0: state_0",
            "[4, 3]",
            "[1, 3]",
        ),
        ("pair, params not", {"layers": [BOTH]}, "params[0]", "Both", "Params"),
        (
            "pair, state not",
            {"layers": [BOTH], "params": (Both(ELMAN, ELMAN),), "states_0": [STATE]},
            "states_0[0]",
            "Both",
            "ndarray",
        ),
        ("xs list", {"xs": XS.tolist()}, "xs", "array", "list"),
        ("xs one axis", {"xs": XS[:, 0, 0]}, "xs", "two axes", "float64[5]"),
        (
            "xs wrong I",
            {"xs": np.ones((5, 4, 3))},
            "layer 0: xs",
            "I = 2",
            "[5, 4, 3]",
        ),
        (
            "layer above too narrow",
            {"layers": [elman.cell()] * 2, "params": (ELMAN, ELMAN)},
            "layer 1: xs",
            "I = 2",
            "float64[5, 4, 3]",
        ),
        (
            "lengths float",
            {"lengths": LENGTHS * 1.0},
            "layer 0: lengths",
            "integer",
            "float64[4]",
        ),
        (
            "resets int",
            {"resets": RESETS.astype(int)},
            "layer 0: resets",
            "bool",
            "int64[5, 4]",
        ),
        ("dropout 1", {"dropout": 1.0, "key": KEY}, "dropout", "[0, 1)", "1.0"),
        (
            "dropout negative",
            {"dropout": -0.1, "key": KEY},
            "dropout",
            "[0, 1)",
            "-0.1",
        ),
        ("dropout NaN", {"dropout": np.nan, "key": KEY}, "dropout", "[0, 1)", "nan"),
        ("dropout string", {"dropout": "0.5", "key": KEY}, "dropout", "[0, 1)", "0.5"),
        ("dropout None", {"dropout": None}, "dropout", "[0, 1)", "None"),
        ("dropout without key", {"dropout": 0.5}, "key", "random key", "None"),
        ("key integer", {"dropout": 0.5, "key": 3}, "key", "random key", "int"),
        ("unroll string", {"unroll": "plain"}, "unroll", "function", "str"),
    ],
)

LOGITS, IDS = np.zeros((5, 4, 3)), np.zeros((5, 4), int)
MASK = np.ones((5, 4), bool)

CROSS_ENTROPY = calls(
    "losses.cross_entropy",
    cross_entropy,
    {"logits": LOGITS, "ids": IDS},
    [
        ("logits list", {"logits": LOGITS.tolist()}, "logits", "array", "list"),
        ("logits integers", {"logits": IDS}, "logits", "floating-point", "int64[5, 4]"),
        ("logits scalar", {"logits": np.array(1.0)}, "logits", "O]", "float64"),
        (
            "logits empty",
            {"logits": LOGITS[..., :0]},
            "logits",
            "O",
            "float64[5, 4, 0]",
        ),
        ("ids float", {"ids": IDS * 1.0}, "ids", "integer", "float64[5, 4]"),
        ("ids bool", {"ids": IDS > 0}, "ids", "integer", "bool[5, 4]"),
        ("ids list", {"ids": IDS.tolist()}, "ids", "integer", "list"),
        ("ids None", {"ids": None}, "ids", "integer", "NoneType"),
        (
            "ids one-hot",
            {"ids": LOGITS.astype(int)},
            "ids",
            "shape [5, 4]",
            "[5, 4, 3]",
        ),
        ("ids batch first", {"ids": IDS.T}, "ids", "shape [5, 4]", "int64[4, 5]"),
        ("ids too large", {"ids": IDS + 3}, "ids", "0 to 2", "3 at [0, 0]"),
        ("ids negative", {"ids": IDS - 1}, "ids", "0 to 2", "-1 at [0, 0]"),
        (
            "ids list, mask",
            {"ids": IDS.tolist(), "mask": MASK},
            "ids",
            "integer",
            "list",
        ),
        (
            "ids float, mask",
            {"ids": IDS * 1.0, "mask": MASK},
            "ids",
            "integer",
            "float64",
        ),
        (
            "ids shape, mask",
            {"ids": IDS.T, "mask": MASK},
            "ids",
            "[5, 4]",
            "int64[4, 5]",
        ),
        (
            "ids too large, mask",
            {"ids": IDS + 3, "mask": MASK},
            "ids",
            "0 to 2",
            "3 at",
        ),
        ("mask integers", {"mask": MASK.astype(int)}, "mask", "bool", "int64[5, 4]"),
        ("mask list", {"mask": MASK.tolist()}, "mask", "bool", "list"),
        ("mask batch first", {"mask": MASK.T}, "mask", "[5, 4]", "bool[4, 5]"),
        ("mask of classes", {"mask": LOGITS == 0}, "mask", "[5, 4]", "bool[5, 4, 3]"),
    ],
)


def _targets(function, argument):
    first = "outputs" if function is squared_error else "logits"
    second = argument
    return calls(
        f"losses.{function.__name__}",
        function,
        {first: LOGITS, second: LOGITS},
        [
            (f"{first} list", {first: LOGITS.tolist()}, first, "array", "list"),
            (f"{first} integers", {first: IDS}, first, "floating-point", "int64[5, 4]"),
            (f"{first} scalar", {first: np.array(1.0)}, first, "O]", "float64"),
            (f"{second} ids", {second: IDS}, second, "floating-point", "int64[5, 4]"),
            (f"{second} None", {second: None}, second, "array", "NoneType"),
            (f"{second} shape", {second: LOGITS[0]}, second, "[5, 4, 3]", "[4, 3]"),
            (f"{second} float32", {second: _float32(LOGITS)}, second, "64[", "32["),
            (
                "mask integers",
                {"mask": MASK.astype(int)},
                "mask",
                "bool",
                "int64[5, 4]",
            ),
            ("mask of entries", {"mask": LOGITS == 0}, "mask", "[5, 4]", "[5, 4, 3]"),
        ],
    )


STATES = np.ones((5, 4, 3))
OUTPUT = output.Params(np.ones((2, 3)), np.ones(2))

READOUT = calls(
    "readout",
    output.readout,
    {"params": OUTPUT, "states": STATES},
    [
        ("states list", {"states": STATES.tolist()}, "states", "array", "list"),
        (
            "states integers",
            {"states": STATES.astype(int)},
            "states",
            "floating",
            "int64",
        ),
        ("states scalar", {"states": np.array(1.0)}, "states", "H = 3", "float64[]"),
        ("states wrong H", {"states": XS}, "states", "H = 3", "float64[5, 4, 2]"),
        (
            "states float32",
            {"states": _float32(STATES)},
            "states",
            "float64",
            "float32",
        ),
        ("states of LSTM", {"states": LSTM_STATE}, "states", "array", "State"),
        ("params None", {"params": None}, "params", "V and b", "None"),
        ("params plain tuple", {"params": tuple(OUTPUT)}, "params", "V and b", "tuple"),
        ("params of a cell", {"params": ELMAN}, "params", "V and b", "Params"),
        (
            "V vector",
            {"params": OUTPUT._replace(V=np.ones(3))},
            "params.V",
            "[O, H]",
            "[3]",
        ),
        ("V list", {"params": OUTPUT._replace(V=[[1.0]])}, "params.V", "array", "list"),
        (
            "V transposed",
            {"params": OUTPUT._replace(V=np.ones((3, 2)))},
            "states",
            "H = 2",
            "3]",
        ),
        (
            "b too long",
            {"params": OUTPUT._replace(b=np.ones(3))},
            "params.b",
            "[2]",
            "[3]",
        ),
        ("b None", {"params": OUTPUT._replace(b=None)}, "params.b", "array", "None"),
        (
            "b float32",
            {"params": OUTPUT._replace(b=np.ones(2, np.float32))},
            "params.b",
            "64",
            "float32[2]",
        ),
    ],
)

TABLE = np.ones((10, 3))
WORDS = np.array([[1, 9], [0, 2]])

LOOKUP = calls(
    "embedding.lookup",
    embedding.lookup,
    {"table": TABLE, "ids": WORDS},
    [
        ("table list", {"table": TABLE.tolist()}, "table", "array", "list"),
        ("table integers", {"table": WORDS}, "table", "floating-point", "int64[2, 2]"),
        ("table vector", {"table": TABLE[0]}, "table", "[V, I]", "float64[3]"),
        (
            "arguments swapped",
            {"table": WORDS, "ids": TABLE},
            "table",
            "floating",
            "int64",
        ),
        ("ids float", {"ids": WORDS * 1.0}, "ids", "integer", "float64[2, 2]"),
        ("ids bool", {"ids": WORDS > 0}, "ids", "integer", "bool[2, 2]"),
        ("ids list", {"ids": WORDS.tolist()}, "ids", "integer", "list"),
        ("ids int", {"ids": 3}, "ids", "integer", "int"),
        ("ids None", {"ids": None}, "ids", "integer", "NoneType"),
        ("ids too large", {"ids": WORDS + 1}, "ids", "0 to 9", "10 at [0, 1]"),
        ("ids negative", {"ids": WORDS - 1}, "ids", "0 to 9", "-1 at [1, 0]"),
        ("ids beyond int32", {"ids": WORDS + 2**31}, "ids", "0 to 9", "2147483649"),
    ],
)

DROP = calls(
    "network.drop",
    drop,
    {"key": KEY, "rate": 0.5, "ys": XS},
    [
        ("key None", {"key": None}, "key", "random key", "None"),
        ("rate 1", {"rate": 1}, "rate", "[0, 1)", "1"),
        ("ys integers", {"ys": IDS}, "ys", "floating-point", "int64[5, 4]"),
    ],
)

COUNTS = {"0": 0, "negative": -2, "float": 2.0, "None": None, "bool": True}


def counts(*arguments):
    """Rows of sizes that are none."""
    for argument in arguments:
        for name, count in COUNTS.items():
            changed = {argument: count}
            yield f"{argument} {name}", changed, argument, "integer ≥ 1", repr(count)


NO_DRAW = [
    ("key None", {"key": None}, "key", "random key", "None"),
    ("key integer", {"key": 0}, "key", "random key", "int"),
    ("key of floats", {"key": np.ones(2)}, "key", "random key", "float64[2]"),
    ("dtype int", {"dtype": int}, "dtype", "floating-point", "int"),
    ("dtype none", {"dtype": "float33"}, "dtype", "floating-point", "float33"),
]

INIT_READOUT = calls(
    "readout.init",
    output.init,
    {"key": KEY, "num_hidden": 3, "num_outputs": 2},
    [*counts("num_hidden", "num_outputs"), *NO_DRAW],
)
INIT_EMBEDDING = calls(
    "embedding.init",
    embedding.init,
    {"key": KEY, "num_ids": 6, "size": 2},
    [*counts("num_ids", "size"), *NO_DRAW],
)

CELL_LIST = [
    ("one cell", {"cells": elman.cell()}, "cells", "list of cells", "Cell"),
    ("no cells", {"cells": []}, "cells", "at least one", "none"),
    ("not called", {"cells": [elman.cell]}, "cells[0]", "Cell", "must be called"),
    ("both directions", {"cells": [BOTH]}, "cells[0]", "Cell", "Both"),
]

INIT_MODEL = calls(
    "language_model.init",
    language_model.init,
    {
        "key": KEY,
        "cells": [elman.cell()],
        "num_ids": 6,
        "num_inputs": 2,
        "num_hidden": 3,
    },
    [*counts("num_ids", "num_inputs", "num_hidden"), *NO_DRAW, *CELL_LIST],
)

NUM_IDS = 6
MODEL = language_model.Params(
    np.ones((NUM_IDS, NUM_INPUTS)),
    (ELMAN,),
    output.Params(np.ones((NUM_IDS, NUM_HIDDEN)), np.ones(NUM_IDS)),
)
TEXT = np.array([[1, 5], [0, 2]])
OF_MODEL = [
    *CELL_LIST,
    ("params None", {"params": None}, "params", "language_model.Params", "NoneType"),
    ("params of a cell", {"params": ELMAN}, "params", "language_model.Params", "Pa"),
    (
        "params.embedding None",
        {"params": MODEL._replace(embedding=None)},
        "params.embedding",
        "array",
        "NoneType",
    ),
    (
        "params.embedding vector",
        {"params": MODEL._replace(embedding=np.ones(6))},
        "params.embedding",
        "[V, I]",
        "float64[6]",
    ),
    (
        "params.layers of two",
        {"params": MODEL._replace(layers=(ELMAN, ELMAN))},
        "params.layers",
        "a cell, 1",
        "2",
    ),
    (
        "params.layers not listed",
        {"params": MODEL._replace(layers=None)},
        "params.layers",
        "a cell, 1",
        "NoneType",
    ),
]

PREDICT = calls(
    "language_model.predict",
    language_model.predict,
    {"cells": [elman.cell()], "params": MODEL, "states": None, "ids": TEXT},
    [
        *OF_MODEL,
        ("ids float", {"ids": TEXT * 1.0}, "ids", "integer", "float64[2, 2]"),
        ("ids list", {"ids": TEXT.tolist()}, "ids", "integer", "list"),
        ("ids scalar", {"ids": np.array(3)}, "ids", "[T, ...]", "int64[]"),
        ("ids too large", {"ids": TEXT + 1}, "ids", "0 to 5", "6 at [0, 1]"),
        ("states too many", {"states": [None] * 2}, "states", "a layer, 1", "2"),
        ("resets int", {"resets": TEXT}, "resets", "bool", "int64[2, 2]"),
        ("dropout 1", {"dropout": 1, "key": KEY}, "dropout", "[0, 1)", "1"),
        ("dropout string", {"dropout": "a", "key": KEY}, "dropout", "[0, 1)", "a"),
        ("no key", {"dropout": 0.5}, "key", "random key", "None"),
        ("unroll None", {"unroll": None}, "unroll", "function", "None"),
    ],
)

SCORE = calls(
    "language_model.score",
    language_model.score,
    {
        "cells": [elman.cell()],
        "params": MODEL,
        "states": None,
        "ids": TEXT,
        "targets": TEXT,
    },
    [
        ("ids too large", {"ids": TEXT + 1}, "ids", "0 to 5", "6 at [0, 1]"),
        ("targets None", {"targets": None}, "targets", "integer", "NoneType"),
        ("targets float", {"targets": TEXT * 1.0}, "targets", "integer", "float64"),
        ("targets shape", {"targets": TEXT[0]}, "targets", "[2, 2]", "int64[2]"),
        (
            "targets too large",
            {"targets": TEXT + 1},
            "targets",
            "0 to 5",
            "6 at [0, 1]",
        ),
        (
            "targets negative",
            {"targets": TEXT - 1},
            "targets",
            "0 to 5",
            "-1 at [1, 0]",
        ),
    ],
)

GENERATE = calls(
    "generate.generate",
    generate.generate,
    {
        "key": KEY,
        "cells": [elman.cell()],
        "params": MODEL,
        "first_id": 0,
        "num_steps": 3,
        "allowed": np.ones(NUM_IDS, bool),
    },
    [
        *OF_MODEL,
        *counts("num_steps"),
        ("key integer", {"key": 0}, "key", "random key", "int"),
        ("first_id V", {"first_id": 6}, "first_id", "0 to 5", "6"),
        ("first_id -1", {"first_id": -1}, "first_id", "0 to 5", "-1"),
        ("first_id array", {"first_id": jnp.int32(6)}, "first_id", "0 to 5", "6"),
        ("first_id huge", {"first_id": 2**70}, "first_id", "integer", "object[]"),
        ("first_id float", {"first_id": 0.0}, "first_id", "integer", "float"),
        ("first_id bool", {"first_id": True}, "first_id", "integer", "bool"),
        ("first_id string", {"first_id": "the"}, "first_id", "integer", "str"),
        ("first_id two", {"first_id": TEXT[0]}, "first_id", "shape []", "int64[2]"),
        ("restart_id V", {"restart_id": 99}, "restart_id", "0 to 5", "99"),
        ("restart_id -1", {"restart_id": -1}, "restart_id", "0 to 5", "-1"),
        ("allowed none", {"allowed": MASK[0, :0]}, "allowed", "[6]", "bool[0]"),
        (
            "allowed all False",
            {"allowed": np.zeros(6, bool)},
            "allowed",
            "one True",
            "none",
        ),
        ("allowed ids", {"allowed": np.arange(6)}, "allowed", "bool", "int64[6]"),
        ("temperature 0", {"temperature": 0.0}, "temperature", "above 0", "0.0"),
        ("temperature NaN", {"temperature": np.nan}, "temperature", "above 0", "nan"),
        ("temperature string", {"temperature": "a"}, "temperature", "above 0", "'a'"),
        ("temperature None", {"temperature": None}, "temperature", "above 0", "None"),
        (
            "temperature array",
            {"temperature": np.ones(6)},
            "temperature",
            "number",
            "array",
        ),
    ],
)

SEQUENCES = [np.arange(3), np.arange(5)]

BUCKETED = calls(
    "batches.bucketed",
    lambda **arguments: list(batches.bucketed(**arguments)),
    {"sequences": SEQUENCES, "batch_size": 2, "seed": 0, "epoch": 0},
    [
        *counts("batch_size"),
        ("batch_size string", {"batch_size": "2"}, "batch_size", "integer ≥ 1", "'2'"),
        ("sequences None", {"sequences": None}, "sequences", "list", "NoneType"),
        ("sequences a number", {"sequences": 3}, "sequences", "list", "int"),
        ("lists", {"sequences": [[1, 2]]}, "sequences[0]", "array [T]", "list"),
        (
            "floats",
            {"sequences": [np.ones(2)]},
            "sequences[0]",
            "integers",
            "float64[2]",
        ),
        (
            "too long",
            {"sequences": [np.arange(65)]},
            "sequences[0]",
            "at most 64 ids",
            "65",
        ),
        ("lengths int", {"lengths": 8}, "lengths", "rising", "8"),
        ("lengths none", {"lengths": ()}, "lengths", "rising", "()"),
        ("lengths falling", {"lengths": (8, 4)}, "lengths", "rising", "(8, 4)"),
        (
            "lengths falling array",
            {"lengths": np.array([8, 4])},
            "lengths",
            "rising",
            "8, 4",
        ),
        ("lengths float", {"lengths": (8.0,)}, "lengths", "integers", "(8.0,)"),
        ("lengths matrix", {"lengths": np.ones((2, 2), int)}, "lengths", "rising", "1"),
        ("seed negative", {"seed": -1}, "seed", "integer ≥ 0", "-1"),
        ("seed float", {"seed": 1.0}, "seed", "integer ≥ 0", "1.0"),
        ("epoch None", {"epoch": None}, "epoch", "integer ≥ 0", "None"),
        ("start negative", {"start": -1}, "start", "integer ≥ 0", "-1"),
        ("start string", {"start": "1"}, "start", "integer ≥ 0", "'1'"),
    ],
)

STREAM = calls(
    "batches.stream",
    lambda **arguments: list(batches.stream(**arguments)),
    {"ids": np.arange(9), "batch_size": 2, "num_steps": 2},
    [
        *counts("batch_size", "num_steps"),
        ("batch_size string", {"batch_size": "2"}, "batch_size", "integer ≥ 1", "'2'"),
        ("ids list", {"ids": [1, 2, 3]}, "ids", "array [N] of integers", "list"),
        ("ids None", {"ids": None}, "ids", "array [N] of integers", "NoneType"),
        ("ids float", {"ids": np.ones(3)}, "ids", "integers", "float64[3]"),
        ("ids of two axes", {"ids": TEXT}, "ids", "[N]", "int64[2, 2]"),
        ("ids one", {"ids": np.arange(1)}, "ids", "N at least 2", "int64[1]"),
        ("start float", {"start": 1.5}, "start", "integer ≥ 0", "1.5"),
    ],
)

COUNTING = [
    *calls(
        "batches.truncate",
        batches.truncate,
        {"sequences": SEQUENCES, "max_length": 2},
        counts("max_length"),
    ),
    *calls(
        "batches.num_batches",
        batches.num_batches,
        {"sequences": SEQUENCES, "batch_size": 2},
        counts("batch_size"),
    ),
    *calls(
        "batches.num_chunks",
        batches.num_chunks,
        {"num_ids": 9, "batch_size": 2, "num_steps": 2},
        counts("num_ids", "batch_size", "num_steps"),
    ),
]

BUILD = calls(
    "vocab.build",
    vocab.build,
    {"token_lists": [["a", "b"]]},
    [
        *counts("min_count"),
        ("max_size 3", {"max_size": 3}, "max_size", "integer ≥ 4", "3"),
        ("max_size float", {"max_size": 9.0}, "max_size", "integer ≥ 4", "9.0"),
        ("numbers", {"token_lists": [[1, 2]]}, "token_lists[0]", "str", "int 1"),
        (
            "a number among words",
            {"token_lists": [["a"], ["b", 2]]},
            "token_lists[1]",
            "str",
            "int 2",
        ),
        ("bytes", {"token_lists": [[b"a"]]}, "token_lists[0]", "str", "bytes b'a'"),
        ("lists", {"token_lists": [[["a"]]]}, "token_lists[0]", "str", "list ['a']"),
        ("text unsplit", {"token_lists": ["a b"]}, "token_lists[0]", "tokens", "'a b'"),
        ("one text", {"token_lists": "a b"}, "token_lists", "tokens", "'a b'"),
        ("no text", {"token_lists": [None]}, "token_lists[0]", "tokens", "None"),
        ("nothing", {"token_lists": None}, "token_lists", "tokens", "None"),
    ],
)

LECTURE = lstm_lecture.LectureParams(*[np.ones((3, 5))] * 4, *[np.ones(3)] * 4)


def _lecture(**changed):
    return {"weights": LECTURE._replace(**changed)}


FROM_LECTURE = calls(
    "lstm_lecture.from_lecture",
    lstm_lecture.from_lecture,
    _lecture(),
    [
        ("W_f vector", _lecture(W_f=np.ones(3)), "W_f", "[H, H + I]", "float64[3]"),
        ("W_i other shape", _lecture(W_i=np.ones((3, 6))), "W_i", "as W_f", "[3, 6]"),
        ("W_c transposed", _lecture(W_c=np.ones((5, 3))), "W_c", "H = 3", "[5, 3]"),
        ("W_o float32", _lecture(W_o=np.ones((3, 5), np.float32)), "W_o", "64", "32"),
        ("W_o list", _lecture(W_o=[[1.0]]), "W_o", "array", "list"),
        ("b_f scalar", _lecture(b_f=np.array(1.0)), "b_f", "[H]", "float64[]"),
        ("b_i too long", _lecture(b_i=np.ones(4)), "b_i", "[3]", "float64[4]"),
        (
            "plain tuple",
            {"weights": tuple(LECTURE)},
            "weights",
            "LectureParams",
            "tuple",
        ),
    ],
)

NARROW = {"params": _cast(ELMAN, jnp.bfloat16), "xs": _cast(XS, jnp.bfloat16)}
NARROW_LSTM = NARROW | {"cell": lstm.cell(), "params": _cast(LSTM, jnp.bfloat16)}


def _recurrent_step(params, state_tm1, x_t):
    return jnp.tanh(x_t @ params.U.T + state_tm1 @ params.W.T)


def _step_of_two(params, state_tm1, x_t):
    return tuple(_recurrent_step(params, s, x_t) for s in state_tm1)


def _output_of_two(state_t):
    return jnp.concatenate(state_t, axis=-1)


# Cells that only their step knows the state of.
OWN = {"cell": derived.from_step(_recurrent_step)}
OWN_OF_TWO = {"cell": derived.from_step(_step_of_two, output=_output_of_two)}

STATES = [
    (
        "narrow state of neither dtype",
        NARROW | {"state_0": STATE.astype(np.float16)},
        "state_0",
        "bfloat16 or float32 in every leaf",
        "float16",
    ),
    (
        "narrow state of two dtypes",
        NARROW_LSTM
        | {"state_0": lstm.State(_cast(STATE, jnp.bfloat16), _float32(STATE))},
        "state_0",
        "bfloat16 or float32 in every leaf",
        "bfloat16 and float32",
    ),
    (
        "wide reset_state beside no state_0",
        NARROW | {"reset_state": _float32(STATE)},
        "reset_state",
        "bfloat16[4, 3], as state_0, zeros, is",
        "float32[4, 3]",
    ),
    (
        "reset_state other H",
        {"state_0": STATE, "reset_state": STATE[:, :2]},
        "reset_state",
        "float64[4, 3], as state_0 is",
        "float64[4, 2]",
    ),
    (
        "own cell, other H",
        OWN | {"state_0": np.zeros((4, 7))},
        "state_0",
        "what _recurrent_step can step with",
        "float64[4, 7]",
    ),
    (
        "own cell, one state for two",
        OWN_OF_TWO | {"state_0": 1.0},
        "state_0",
        "array",
        "float",
    ),
    (
        "own cell, other dtype",
        OWN | {"state_0": _float32(STATE)},
        "state_0",
        "float64 in every leaf",
        "float32",
    ),
    (
        "own cell, states of two dtypes",
        OWN_OF_TWO
        | NARROW
        | {"state_0": (_cast(STATE, jnp.bfloat16), _float32(STATE))},
        "state_0",
        "bfloat16 or float32 in every leaf",
        "bfloat16 and float32",
    ),
    (
        "own cell, dtype beside float16",
        OWN | NARROW | {"state_0": STATE.astype(np.float16)},
        "state_0",
        "bfloat16 or float32 in every leaf",
        "float16",
    ),
]

TWO_KEYS = jax.random.split(KEY, 2)


def _dict_step(params, state_tm1, x_t):
    return jnp.tanh(x_t @ params["U"].T + state_tm1["s"] @ params["W"].T)


DICTS = {"U": ELMAN.U, "W": ELMAN.W}
OF_DICTS = {
    "cell": derived.from_step(_dict_step, output=lambda s: s["s"]),
    "params": DICTS,
    "state_0": {"s": STATE},
}


def _counting(params, state_tm1, x_t):
    s, n = state_tm1
    return _recurrent_step(params, s, x_t), n + 1


COUNTING_CELL = derived.from_step(_counting, output=lambda s: s[0])
OTHER = [
    (
        "own cell: params lack a key",
        _caller(unroll, OF_DICTS | {"params": {"U": ELMAN.U}}),
        "state_0, params or xs",
        "what _dict_step can step with",
        "the step says: KeyError('W')",
    ),
    (
        "own cell: state lacks a key",
        _caller(unroll, OF_DICTS | {"state_0": {"h": STATE}}),
        "state_0, params or xs",
        "what _dict_step can step with",
        "the step says: KeyError('s')",
    ),
    (
        "own cell: xs of another I",
        _caller(unroll, OWN | {"state_0": STATE, "xs": np.ones((5, 4, 3))}),
        "state_0, params or xs",
        "what _recurrent_step can step with",
        "float64[5, 4, 3]",
    ),
    (
        "own cell: state without batch axes",
        _caller(unroll, {"cell": COUNTING_CELL, "state_0": (STATE, np.array(0.0))}),
        "state_0[1]",
        "the batch axes of xs, [4], in front",
        "float64[]",
    ),
    (
        "own cell with sizes: params lack a key",
        _caller(
            unroll,
            {
                "cell": derived.from_step(
                    _dict_step,
                    init=elman.init,
                    sizes=lambda p: elman.sizes(elman.Params(p["U"], p["W"], None)),
                ),
                "params": {"U": ELMAN.U},
                "state_0": STATE,
            },
        ),
        "params",
        "the parameters of _dict_step",
        "'U'",
    ),
    (
        "own cell with zero_state: params lack a key",
        _caller(
            unroll,
            {
                "cell": derived.from_step(
                    _dict_step, zero_state=lambda p, batch: jnp.zeros(len(p["W"]))
                ),
                "params": {"U": ELMAN.U},
            },
        ),
        "params",
        "the parameters of _dict_step",
        "'U'",
    ),
    (
        "language_model.zero_states: no layer",
        lambda: language_model.zero_states(
            [elman.cell()], MODEL._replace(layers=(None,)), (2,)
        ),
        "params",
        "the parameters of elman(tanh)",
        "None",
    ),
    (
        "network.init: no zero_state",
        lambda: init_stack(KEY, [derived.from_step(_dict_step, init=elman.init)], 2, 3),
        "layers[0]",
        "a cell with a zero_state",
        "_dict_step, without",
    ),
    (
        "network.drop: two keys",
        lambda: drop(TWO_KEYS, 0.5, XS),
        "key",
        "a random",
        "[2]",
    ),
    (
        "lstm.init: old key of another length",
        lambda: lstm.init(jnp.zeros(5, jnp.uint32), 2, 3),
        "key",
        "a random key",
        "uint32[5]",
    ),
    ("lstm.init: dtype", lambda: lstm.init(KEY, 2, 3, "float33"), "dtype", "fl", "33"),
    (
        "network.init: dtype None",
        lambda: init_stack(KEY, [elman.cell()], 2, 3, None),
        "dtype",
        "floating-point",
        "None",
    ),
    (
        "derived.from_step: zero_state",
        lambda: derived.from_step(_dict_step, zero_state=3),
        "zero_state",
        "function",
        "int",
    ),
    ("jordan.cell: mu bool", lambda: jordan.cell(2, False), "mu", "[0, 1)", "False"),
    ("elman.cell: name", lambda: elman.cell("tanh"), "activation", "Activation", "str"),
    (
        "elman.cell: function",
        lambda: elman.cell(jnp.tanh),
        "activation",
        "Activation",
        "",
    ),
    (
        "elman.one_step: name",
        lambda: elman.one_step("tanh"),
        "activation",
        "Activation",
        "str",
    ),
    (
        "jordan.cell: no outputs",
        lambda: jordan.cell(0),
        "num_outputs",
        "integer ≥ 1",
        "0",
    ),
    (
        "jordan.cell: float",
        lambda: jordan.cell(2.0),
        "num_outputs",
        "integer ≥ 1",
        "2.0",
    ),
    ("jordan.cell: mu 1", lambda: jordan.cell(2, 1.0), "mu", "[0, 1)", "1.0"),
    ("jordan.cell: mu negative", lambda: jordan.cell(2, -0.5), "mu", "[0, 1)", "-0.5"),
    ("jordan.cell: mu string", lambda: jordan.cell(2, "0.5"), "mu", "[0, 1)", "0.5"),
    (
        "jordan.cell: hidden name",
        lambda: jordan.cell(2, hidden="tanh"),
        "hidden",
        "Activation",
        "str",
    ),
    (
        "network.stack: dropout traced",
        lambda: jax.jit(
            lambda p: stack([elman.cell()], (ELMAN,), None, XS, dropout=p, key=KEY)
        )(0.5),
        "dropout",
        "a number in [0, 1)",
        "Tracer",
    ),
    (
        "derived.from_step: no function",
        lambda: derived.from_step("step"),
        "step",
        "function",
        "str",
    ),
    (
        "derived.from_step: no state",
        lambda: unroll(derived.from_step(_no_step), ELMAN, None, XS),
        "state_0",
        "zero_state",
        "None",
    ),
    (
        "derived.from_step: other state",
        lambda: unroll(derived.from_step(lambda p, s, x: s[:2]), ELMAN, STATE, XS),
        "state_0",
        "[2, 3]",
        "[4, 3]",
    ),
]

ENCODED = np.ones((6, 4, 2))  # [M, B, D]
QUERIES = np.ones((5, 4, 3))
COUNTS_MASK = np.ones((6, 4), bool)
GENERAL = general.Params(W=np.ones((3, 2)))
ADDITIVE = additive.Params(np.ones((7, 3)), np.ones((7, 2)), np.ones(7), np.ones(7))
KEPT = Memory(np.ones((4, 6, 3)), ENCODED.swapaxes(0, 1), COUNTS_MASK.T)  # [B, M, ·]

OF_SCORE = [
    ("score not called", {"score": general.score}, "score", "Score", "must be called"),
    ("score module", {"score": general}, "score", "Score", "module"),
    ("score name", {"score": "general"}, "score", "Score", "str"),
    ("params None", {"params": None}, "params", "general.Params, W", "NoneType"),
    ("params of additive", {"params": ADDITIVE}, "params", "general.Params", "Params"),
    ("params list", {"params": general.Params([[1.0]])}, "params.W", "array", "list"),
    (
        "params vector",
        {"params": general.Params(np.ones(3))},
        "params.W",
        "[H, D]",
        "float64[3]",
    ),
    (
        "params float32",
        {"params": _float32(GENERAL)},
        "params.W",
        "memory, float64",
        "float32",
    ),
    (
        "params of dot",
        {"score": dot.score(), "params": GENERAL},
        "params",
        "(), as the dot",
        "Params",
    ),
]


def _additive(name, expected, got, **changed):
    changed = {"score": additive.score(), "params": ADDITIVE._replace(**changed)}
    return f"additive {name}", changed, f"params.{name[0]}", expected, got


REMEMBER = [
    *OF_SCORE,
    _additive("W vector", "[A, H]", "[7]", W=np.ones(7)),
    _additive("U other A", "[A, D] with A = 7", "[6, 2]", U=np.ones((6, 2))),
    _additive("b too long", "[7]", "float64[8]", b=np.ones(8)),
    _additive("v column", "[7]", "float64[7, 1]", v=np.ones((7, 1))),
    _additive("v float32", "float64", "float32", v=np.ones(7, np.float32)),
    _additive("v None", "array", "NoneType", v=None),
    ("encoded list", {"encoded": ENCODED.tolist()}, "encoded", "array", "list"),
    ("encoded ids", {"encoded": IDS}, "encoded", "floating-point", "int64[5, 4]"),
    ("encoded vector", {"encoded": np.ones(2)}, "encoded", "two axes", "float64[2]"),
    ("encoded other D", {"encoded": np.ones((6, 4, 3))}, "encoded", "D = 2", "4, 3]"),
    ("values ids", {"values": IDS}, "values", "floating-point", "int64[5, 4]"),
    (
        "values batch first",
        {"values": ENCODED.swapaxes(0, 1)},
        "values",
        "float64[6, 4, any]",
        "[4, 6, 2]",
    ),
    ("values float32", {"values": _float32(ENCODED)}, "values", "float64", "float32"),
    ("mask integers", {"mask": COUNTS_MASK * 1}, "mask", "bool", "int64[6, 4]"),
    ("mask list", {"mask": COUNTS_MASK.tolist()}, "mask", "bool", "list"),
    ("mask batch first", {"mask": COUNTS_MASK.T}, "mask", "[6, 4]", "bool[4, 6]"),
    ("mask of entries", {"mask": ENCODED > 0}, "mask", "[6, 4]", "bool[6, 4, 2]"),
]
ATTEND = [
    *OF_SCORE,
    ("memory encoded", {"memory": ENCODED}, "memory", "a Memory", "ndarray"),
    ("memory plain tuple", {"memory": tuple(KEPT)}, "memory", "a Memory", "tuple"),
    (
        "keys of no positions",
        {"memory": KEPT._replace(keys=np.ones(3))},
        "memory.keys",
        "[..., M, A]",
        "float64[3]",
    ),
    (
        "keys of another score",
        {"memory": KEPT._replace(keys=ENCODED.swapaxes(0, 1))},
        "memory.keys",
        "A = 3",
        "float64[4, 6, 2]",
    ),
    (
        "values positions first",
        {"memory": KEPT._replace(values=ENCODED)},
        "memory.values",
        "float64[4, 6, D]",
        "float64[6, 4, 2]",
    ),
    (
        "mask positions first",
        {"memory": KEPT._replace(mask=COUNTS_MASK)},
        "memory.mask",
        "[4, 6]",
        "bool[6, 4]",
    ),
    ("queries list", {"queries": QUERIES.tolist()}, "queries", "array", "list"),
    ("queries ids", {"queries": IDS}, "queries", "floating-point", "int64[5, 4]"),
    ("queries other H", {"queries": XS}, "queries", "[..., 4, 3]", "float64[5, 4, 2]"),
    ("queries other batch", {"queries": QUERIES[:, :2]}, "queries", "4, 3]", "2, 3]"),
    ("queries no batch", {"queries": QUERIES[0, 0]}, "queries", "4, 3]", "float64[3]"),
    (
        "queries batch first",
        {"queries": QUERIES.swapaxes(0, 1)},
        "queries",
        "[..., 4, 3]",
        "float64[4, 5, 3]",
    ),
    (
        "queries float32",
        {"queries": _float32(QUERIES)},
        "queries",
        "float64",
        "float32",
    ),
    ("queries of LSTM", {"queries": LSTM_STATE}, "queries", "array", "State"),
]
TO_REMEMBER = {"score": general.score(), "params": GENERAL, "encoded": ENCODED}
TO_ATTEND = {
    "score": general.score(),
    "params": GENERAL,
    "queries": QUERIES,
    "memory": KEPT,
}
TO_DRAW = {"key": KEY, "num_hidden": 3, "num_memory": 2}
ATTENTION = [
    *calls("attention.remember", remember, TO_REMEMBER, REMEMBER),
    *calls("attention.remember_plain", remember_plain, TO_REMEMBER, REMEMBER[-4:]),
    *calls("attention.attend", attend, TO_ATTEND, ATTEND),
    *calls("attention.attend_plain", attend_plain, TO_ATTEND, ATTEND[-4:]),
    *(
        call
        for score in (general.score(), additive.score(7))
        for call in calls(
            f"{score.name}.init",
            score.init,
            TO_DRAW,
            [*counts("num_hidden", "num_memory"), *NO_DRAW],
        )
    ),
    *calls(
        "dot.init",
        dot.init,
        TO_DRAW,
        [("other sizes", {}, "num_hidden", "D = 2", "3"), *NO_DRAW],
    ),
    *calls(
        "dot.score",
        dot.score,
        {},
        [
            (name, {"scale": scale}, "scale", "a finite number", got)
            for name, scale, got in (
                ("inf", np.inf, "inf"),
                ("NaN", np.nan, "nan"),
                ("string", "1", "'1'"),
                ("None", None, "None"),
                ("bool", True, "True"),
            )
        ],
    ),
    *calls(
        "additive.score",
        additive.score,
        {},
        [
            (name, {"num_units": count}, "num_units", "integer ≥ 1", repr(count))
            for name, count in COUNTS.items()
            if count is not None
        ],
    ),
]

WRONG_CALLS = (
    *_unroll(UNROLL),
    *_unroll(STATES),
    *_unroll(STATES, unroll_plain, "unroll_plain"),
    *_unroll(PLAIN, unroll_plain, "unroll_plain"),
    *_unroll(TRUNCATED, unroll_truncated, "unroll_truncated"),
    *INIT,
    *STACK,
    *DROP,
    *INIT_READOUT,
    *INIT_EMBEDDING,
    *INIT_MODEL,
    *PREDICT,
    *SCORE,
    *GENERATE,
    *BUCKETED,
    *STREAM,
    *COUNTING,
    *BUILD,
    *CROSS_ENTROPY,
    *_targets(cross_entropy_soft, "probs"),
    *_targets(squared_error, "targets"),
    *_targets(bernoulli, "targets"),
    *READOUT,
    *LOOKUP,
    *FROM_LECTURE,
    *ATTENTION,
    *(WrongCall(*row) for row in OTHER),
)
