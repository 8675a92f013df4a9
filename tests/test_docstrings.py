"""Every public name says what it takes, gives and refuses, and where it is from.

Read from the sources: `tests.docstrings` says what is asked of them.
"""

import pathlib
import pydoc
import re

import pytest

import jaxseq
from tests import docstrings


ROOT = pathlib.Path(jaxseq.__file__).parent


def read():
    sources = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = ("jaxseq", *path.relative_to(ROOT).with_suffix("").parts)
        sources[".".join(parts)] = path.read_text("utf-8")
    return sources


SOURCES = read()
DOCS = {
    name.removesuffix(".__init__"): docstrings.of_module(source)
    for name, source in SOURCES.items()
}
every_module = pytest.mark.parametrize("name", SOURCES)


def others():
    """Collects the functions that a docstring may point to, by both their names."""
    found = {}
    for name, source in SOURCES.items():
        for function, public in docstrings.functions(source).items():
            if "Args" in public.parts:
                found[f"{name.removesuffix('.__init__')}.{function}"] = public
                found.setdefault(function, public)
    return found


OTHERS = others()


@every_module
def test_docstrings_say_all(name):
    assert docstrings.faults(SOURCES[name], OTHERS) == []


def pointed(text):
    """Lists the modules that a docstring names."""
    return [name for name in re.findall(r"`(jaxseq[\w.]*)`", text) if name in DOCS]


@every_module
def test_equations_and_code_agree(name):
    module = name.removesuffix(".__init__")
    package = name.rpartition(".")[0]
    shared = [DOCS[package], *(DOCS[other] for other in pointed(DOCS[module]))]
    inside = [
        source
        for other, source in SOURCES.items()
        if name.endswith("__init__") and other.startswith(f"{package}.")
        if other != name
    ]
    found = docstrings.equations(SOURCES[name], "\n".join(shared), "\n".join(inside))
    assert found == ([], [])


# Their equations are of this library, or of school.
OWN = (
    "jaxseq.attention.score",
    "jaxseq.cells.activations",
    "jaxseq.cells.derived",
    "jaxseq.cells.inputs",
    "jaxseq.summarize.packing",
    "jaxseq.train.loop",
    "jaxseq.train.step",
    "jaxseq.word2vec.sparse",
)


# Of others, with no equation of their own.
FROM_OTHERS = (
    "jaxseq.cudnn",
    "jaxseq.gradcheck.check",
    "jaxseq.hopfield.network",
    "jaxseq.interop",
    "jaxseq.interop.flax",
    "jaxseq.interop.onnx",
    "jaxseq.interop.onnx.activations",
    "jaxseq.precision",
    "jaxseq.summarize.dropout",
    "jaxseq.summarize.examples",
    "jaxseq.summarize.rouge.evaluation",
    "jaxseq.summarize.rouge.settings",
    "jaxseq.summarize.rouge.tokenizers",
    "jaxseq.summarize.unknown",
    "jaxseq.train.digests",
    "jaxseq.train.precision",
    "jaxseq.train.sharding",
    "jaxseq.word2vec.analogies",
    "jaxseq.word2vec.evaluate",
    "jaxseq.word2vec.examples",
    "jaxseq.word2vec.feed",
    "jaxseq.word2vec.huffman",
    "jaxseq.word2vec.pairs",
    "jaxseq.word2vec.similarity",
    "jaxseq.word2vec.vector_files",
    "jaxseq.word2vec.vocab",
)
NEED_A_SOURCE = sorted(
    {
        name.removesuffix(".__init__")
        for name, source in SOURCES.items()
        if docstrings.has_equations(source)
    }
    - set(OWN)
    | set(FROM_OTHERS)
)


@pytest.mark.parametrize("module", NEED_A_SOURCE)
def test_modules_name_their_source(module):
    assert docstrings.has_reference(DOCS[module], DOCS)


def test_own_equations_have_no_source():
    assert all(docstrings.has_equations(SOURCES[name]) for name in OWN)
    assert not any(docstrings.has_reference(DOCS[name], DOCS) for name in OWN)


GOOD = '''"""A cell.

    s_t = f(U x_t)                                                                 (1)
    ∇U = Σ_t δ_t x_tᵀ                                                           (BP4U)

Reference: Elman, Finding structure in time, 1990.
"""


class Params(NamedTuple):
    """The weights.

    Attributes:
        U: `[H, I]` from the inputs.
        name: for messages.
    """

    U: Array
    name: str


def step(params: Params, x_t: Array) -> Array:
    """Takes one step, eq. (1).

    Args:
        params: the weights.
        x_t: `[I]` the input.

    Returns:
        `[H]` the state.

    Raises:
        ValueError: naming the argument.
    """
    check_floats("x_t", x_t)
    return f(x_t @ params.U.T)


def step_plain(params: Params, x_t: Array) -> Array:
    """Takes one step as `step` does."""
    expect(True, "x_t", "", "")


def collect(deltas: Array, xs: Array) -> Params:
    """Sums the deltas.

    Args:
        deltas: `[T, H]`.
        xs: `[T, I]`.
    """
    return Params(deltas.T @ xs, "")  # (BP4U)
'''


def test_good_docstrings_pass():
    assert docstrings.faults(GOOD) == []
    assert docstrings.equations(GOOD) == ([], [])


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("        x_t: `[I]` the input.\n", "", "step: x_t is not in Args"),
        ("x_t: `[I]` the input", "x_t: the input", "step: x_t has no shape"),
        ("x_t: `[I]`", "x: `[I]`", "step: no argument x"),
        ("`[H]` the state", "the state", "step: what it returns has no shape"),
        ("ValueError: naming", "Naming", "step: ValueError is not in Raises"),
        (
            "class Params(NamedTuple):\n",
            "class Params:\n    pass\n",
            "Params: no docstring",
        ),
        (
            "        U: `[H, I]` from the inputs.\n",
            "",
            "Params: U is not in Attributes",
        ),
        ("U: `[H, I]` from", "U: from", "Params: U has no shape"),
        ("        name: for messages.\n", "", "Params: name is not in Attributes"),
        ("name: for messages", "size: for messages", "Params: no field size"),
        ("as `step` does", "", "step_plain: params is not in Args"),
        ("as `step` does", "as `stop` does", "step_plain: x_t is not in Args"),
        ("Sums the deltas", "To do", "collect: says nothing of what it returns"),
        ("Sums the deltas", "`ds`", "collect: says nothing of what it returns"),
        ("-> Params:\n", "-> Params:\n    pass\n", "collect: no docstring"),
    ],
)
def test_faults_are_found(old, new, fault):
    assert GOOD.count(old) == 1
    assert fault in docstrings.faults(GOOD.replace(old, new))


def test_a_comment_is_no_description():
    field = "        U: `[H, I]` from the inputs.\n"
    source = GOOD.replace(field, "").replace("U: Array", "U: Array  # [H, I]")
    assert docstrings.faults(source) == ["Params: U is not in Attributes"]


@pytest.mark.parametrize(
    ("raised", "named"),
    [
        ("folders.Damaged(x_t)", "Damaged"),
        ("OSError(x_t)", "OSError"),
        ("too_large(x_t)", "ValueError"),
        ("error", "ValueError"),
    ],
)
def test_what_is_raised_is_named(raised, named):
    source = GOOD.replace('check_floats("x_t", x_t)', f"raise {raised}")
    assert docstrings.faults(source.replace("ValueError", named)) == []
    fault = f"step: {named} is not in Raises"
    assert docstrings.faults(source.replace("ValueError: n", "N")) == [fault]


def test_attributes_are_fields_or_set():
    source = '''"""Signals."""


class Stopped(SystemExit):
    """A signal.

    Attributes:
        number: updates.
    """

    def __init__(self, number):
        self.number = number
'''
    assert docstrings.faults(source) == []
    fault = "Stopped: no field number"
    assert docstrings.faults(source.replace("self.number", "number")) == [fault]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("# (BP4U)", "# (BP4W)", (["BP4W"], ["BP4U"])),
        ("# (BP4U)", "", ([], ["BP4U"])),
        ("step, eq. (1)", "step", ([], ["1"])),
        ("         (1)\n", "\n", ([], [])),
    ],
)
def test_numbers_without_an_equation_are_found(old, new, expected):
    assert docstrings.equations(GOOD.replace(old, new)) == expected


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (", 1990", ""),
        ("\n\nReference: ", " "),
        (", 1990", "\n\nSince 1990"),
        ("Elman, Finding structure in time, 1990", "as `jaxseq.nothing`"),
    ],
)
def test_a_source_is_a_paragraph_with_a_year(old, new):
    text = docstrings.of_module(GOOD)
    assert docstrings.has_reference(text, {})
    assert text.count(old) == 1
    assert not docstrings.has_reference(text.replace(old, new), {})


def test_a_source_may_be_that_of_another_module():
    text = "Reference: as `jaxseq.cell`."
    assert docstrings.has_reference(text, {"jaxseq.cell": docstrings.of_module(GOOD)})
    assert not docstrings.has_reference(text, {"jaxseq.cell": "A cell of 1990."})


def test_equations_are_seen_in_docstring_and_code():
    assert docstrings.has_equations(GOOD)
    only_docstring = GOOD.replace("# (BP4U)", "")
    only_code = GOOD.replace("         (1)\n", "\n").replace("       (BP4U)\n", "\n")
    assert docstrings.has_equations(only_docstring)
    assert docstrings.has_equations(only_code)
    assert not docstrings.has_equations(only_code.replace("# (BP4U)", ""))


@pytest.mark.parametrize(
    "package", sorted(n.removesuffix(".__init__") for n in SOURCES if "__init__" in n)
)
def test_packages_list_their_modules(package):
    depth = package.count(".") + 1
    inside = {
        name.split(".")[depth]
        for name in DOCS
        if name.startswith(f"{package}.") and name.count(".") == depth
    }
    words = set(re.findall(r"\w+", DOCS[package]))
    assert inside - words - {"__main__"} == set()


def test_help_leads_to_every_module():
    text = pydoc.render_doc(jaxseq, renderer=pydoc.plaintext)
    for name in DOCS:
        room = name.split(".")[-1]
        if name.count(".") == 1 and room != "__main__":
            assert re.search(rf"^ +{room} +\S", text, re.MULTILINE), room
    assert "help(jaxseq.cells)" in text
    assert "python -m jaxseq" in text
    lines = DOCS["jaxseq"].splitlines()
    assert max(map(len, lines)) <= 88
