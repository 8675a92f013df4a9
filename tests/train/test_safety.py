"""No file that jaxseq reads can run code: what could is nowhere in the package."""

import ast
from pathlib import Path

import pytest


PACKAGE = Path(__file__).parents[2] / "jaxseq"
MODULES = {
    *("pickle", "cPickle", "_pickle", "cloudpickle", "dill", "joblib", "marshal"),
    *("shelve", "jsonpickle", "code", "codeop"),
}
FUNCTIONS = {"eval", "exec", "compile", "__import__"}


def unsafe(source):
    """Lists what a source has that runs, or could run, what a file says."""
    found = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                used = [name.name for name in names]
            case ast.ImportFrom(module=module, names=names):
                used = [module or "", *(name.name for name in names)]
            case ast.Call(func=ast.Name(id=name)) if name in FUNCTIONS:
                found.append(name)
                continue
            case ast.Call(func=ast.Attribute(value=ast.Name(id=of), attr=name)):
                if (of, name) in {("yaml", "load"), ("torch", "load")}:
                    found.append(f"{of}.{name}")
                continue
            case ast.keyword(arg="allow_pickle", value=value):
                if not (isinstance(value, ast.Constant) and value.value is False):
                    found.append("allow_pickle")
                continue
            case _:
                continue
        found += [name for name in used if name.split(".")[0] in MODULES]
    return found


def test_nothing_in_the_package_runs_what_a_file_says():
    sources = sorted(PACKAGE.rglob("*.py"))
    assert len(sources) > 50
    found = {str(s.relative_to(PACKAGE)): unsafe(s.read_text("utf-8")) for s in sources}
    assert {path: names for path, names in found.items() if names} == {}


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "import a, dill as b",
        "from pickle import loads",
        "from numpy import pickle",
        "eval('1')",
        "exec(text)",
        "compile(text, '', 'exec')",
        "numpy.load(path, allow_pickle=True)",
        "numpy.load(path, allow_pickle=flag)",
        "def f():\n  yaml.load(text)",
        "torch.load(path)",
    ],
)
def test_it_would_be_found(source):
    assert len(unsafe(source)) >= 1


@pytest.mark.parametrize(
    "source",
    ["numpy.load(path, allow_pickle=False)", "re.compile('a')", "import json, codes"],
)
def test_what_runs_nothing_is_not(source):
    assert unsafe(source) == []
