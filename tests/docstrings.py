"""What the docstrings of a module lack: read from its source, which is not imported.

`faults` lists it as text. A function may leave to another what it has in common with
it: "as `step`", "see `most_similar`"; that other one must then have it.
"""

import ast
import builtins
import re
from typing import NamedTuple


SECTIONS = ("Args", "Attributes", "Returns", "Yields", "Raises")
# A summary that says what comes out needs no section that says it again.
RESULTS = frozenset(
    """
    A Adds All Applies Attends Builds CBOW Casts Changes Chooses Computes Converts
    Correlates Count Counts Cuts Describes Draws Evaluates Fills Finds Fits Flattens
    Gives Holds Its Joins Keeps Length Lists Looks Lower Makes Multiplies Number Opens
    Packs Picks Plans Positions Precision Prepares Puts ROUGE Read Reads Refuses Repeats
    Replaces Returns Runs Says Searches Selects Sends Shifts Skip Splits Stands Sums
    Takes Tells The Transposes Turns Unrolls Updates Whether Writes Yields
    """.split()
)
POINTER = re.compile(r"\b(?:[Aa]s|[Ss]ee|as of|as in|as for|those\s+of) `([\w.]+)`")
SHAPE = re.compile(r"\[.*?\]|\bscalar\b|\bshape\b", re.DOTALL)
ARRAY = re.compile(r"\bArray\b|\bndarray\b")
NUMBER = r"\(((?:[A-Z]*\d+[A-Z]*'?(?:, )?)+)\)"


class Public(NamedTuple):
    """A function, where it stands, and what its docstring has."""

    node: ast.FunctionDef
    text: str
    parts: dict[str, str]  # the sections, and "" for what is before them

    @property
    def parameters(self):
        args = self.node.args
        every = [*args.posonlyargs, *args.args, *args.kwonlyargs]
        return [arg for arg in every if arg.arg not in ("self", "cls")]


def parts(text):
    """Cuts a docstring into its Google sections."""
    found, name = {"": ""}, ""
    for line in text.splitlines():
        if line.rstrip(":") in SECTIONS and line.endswith(":"):
            name = line.rstrip(":")
            found[name] = ""
        elif name and line and not line.startswith(" "):
            name = ""  # prose after the sections
        else:
            found[name] += line + "\n"
            continue
        if not name:
            found[""] += line + "\n"
    return found


def entries(section):
    """Reads `name: text` entries, each with the lines that go on from it."""
    found, names = {}, []
    depth = len(section) - len(section.lstrip(" "))
    for line in section.splitlines():
        start = re.match(rf" {{{depth}}}\*{{0,2}}(\w[\w, *]*):(.*)", line)
        if start:
            names = re.findall(r"\w+", start[1])
            found |= dict.fromkeys(names, start[2])
        else:
            found |= {name: f"{found[name]}\n{line}" for name in names}
    return found


def functions(source):
    """Returns the public functions of a source, and the methods of its classes."""
    found = {}
    for node in ast.parse(source).body:
        inside = [node]
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            inside = node.body
        for each in inside:
            if isinstance(each, ast.FunctionDef) and not each.name.startswith("_"):
                text = ast.get_docstring(each) or ""
                found[each.name] = Public(each, text, parts(text))
    return found


def faults(source, others=None):
    """Lists what the docstrings of a source lack.

    `others` are functions that it may point to, by their names.
    """
    tree = ast.parse(source)
    own = functions(source)
    known = {**(others or {}), **own}
    found = [] if ast.get_docstring(tree) else ["module: no docstring"]
    for name, public in own.items():
        found += [f"{name}: {fault}" for fault in _of_function(public, known)]
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            found += [f"{node.name}: {fault}" for fault in _of_class(node)]
    return found


def _of_function(public, known):
    if not public.text:
        return ["no docstring"]
    models = [known[name] for name in POINTER.findall(public.text) if name in known]
    return [
        *_of_arguments(public, models),
        *_of_result(public, models),
        *_of_errors(public, models),
    ]


def _of_arguments(public, models):
    described = entries(public.parts.get("Args", ""))
    shaped = {name for name, said in described.items() if _has_shape(said)}
    signature = public.node.args
    extra = [arg.arg for arg in (signature.vararg, signature.kwarg) if arg]
    names = {arg.arg for arg in public.parameters}
    for name in described.keys() - names - set(extra):
        yield f"no argument {name}"
    elsewhere = {arg.arg for model in models for arg in model.parameters}
    if models:  # what it has not in common is named where it says so
        elsewhere |= set(re.findall(r"\w+", public.parts[""]))
    for arg in public.parameters:
        if arg.arg not in described:
            if arg.arg not in elsewhere:
                yield f"{arg.arg} is not in Args"
        elif _is_array(arg.annotation) and arg.arg not in shaped:
            yield f"{arg.arg} has no shape"


def _of_result(public, models):
    returns = public.node.returns
    if returns is None or ast.unparse(returns) in ("None", "NoReturn"):
        return
    said = public.parts.get("Returns") or public.parts.get("Yields")
    if not (said or re.match(r"\w*", public.text)[0] in RESULTS or models):
        yield "says nothing of what it returns"
    elif _is_array(returns) and not (_has_shape(said or public.parts[""]) or models):
        yield "what it returns has no shape"


def _of_errors(public, models):
    name = public.node.name
    if name.startswith("check_") or not _errors(public.node):
        return
    said = public.parts.get("Raises", "") + public.parts[""]
    for error in sorted(_errors(public.node)):
        named = {error} | {"OSError"} & {base.__name__ for base in _bases(error)}
        if not any(name in said for name in named) and not models:
            yield f"{error} is not in Raises"


def _bases(error):
    return getattr(builtins, error, Exception).__mro__


def _errors(node):
    """Names the errors that a body raises, itself or by a check."""
    found = set()
    caught = {
        id(call)
        for each in ast.walk(node)
        if isinstance(each, ast.Try)
        for part in each.body
        for call in ast.walk(part)
    }
    for each in ast.walk(node):
        if isinstance(each, ast.Raise) and each.exc is not None:
            called = each.exc.func if isinstance(each.exc, ast.Call) else each.exc
            name = ast.unparse(called).rpartition(".")[2]
            # What is no class is a function that returns the error, or a variable.
            found.add(name if name[0].isupper() else "ValueError")
        elif isinstance(each, ast.Call) and isinstance(each.func, ast.Name):
            is_check = each.func.id == "expect" or each.func.id.startswith("check_")
            if is_check and id(each) not in caught:
                found.add("ValueError")
    return found


def _of_class(node):
    text = ast.get_docstring(node) or ""
    if not text:
        yield "no docstring"
    if node.name == "Config":  # of a program, whose `--help` describes it
        return
    described = entries(parts(text).get("Attributes", ""))
    fields = [f for f in node.body if isinstance(f, ast.AnnAssign)]
    names = {field.target.id for field in fields}
    for name in described.keys() - names - set(_properties(node)):
        yield f"no field {name}"
    for field in fields:
        name = field.target.id
        said = described.get(name, "")
        if not said.strip():
            yield f"{name} is not in Attributes"
        elif _is_array(field.annotation) and "[" not in said and "scalar" not in said:
            yield f"{name} has no shape"


def _properties(node):
    """Names what a class has beside its fields: methods, and what they set of self."""
    methods = [each for each in node.body if isinstance(each, ast.FunctionDef)]
    stored = [
        target.attr
        for method in methods
        for target in ast.walk(method)
        if isinstance(target, ast.Attribute) and isinstance(target.ctx, ast.Store)
        if ast.unparse(target.value) == "self"
    ]
    return [*(method.name for method in methods), *stored]


def _is_array(annotation):
    """Tells whether a value is an array: not a function of arrays, nor a list."""
    if annotation is None:
        return False
    text = ast.unparse(annotation)
    is_number = text.startswith(("float |", "int |"))
    return bool(ARRAY.search(text)) and "Callable" not in text and not is_number


def _has_shape(text):
    return bool(SHAPE.search(text) or POINTER.search(text))


def equations(source, shared="", code=""):
    """Compares the numbers of the equations with those that the code carries.

    `shared` are the docstrings of the package and of the modules that this one's points
    to, where its equations may stand; `code` is that of the package, if it is one.

    Returns:
        The numbers without an equation, and the equations that nothing mentions.
    """
    text = ast.get_docstring(ast.parse(source)) or ""
    numbered = _split(re.findall(rf"^ {{4}}.* {NUMBER}$", text, re.MULTILINE))
    known = numbered | _in_equations(text) | _in_equations(shared)
    own = source.replace(_head(source), "", 1)
    carried = _expanded("\n".join(re.findall(r"#(.*)", own)))
    prose = "\n".join(re.findall(r"^(?! {4}).*", text, re.MULTILINE))
    return sorted(carried - known), sorted(numbered - _expanded(own + code + prose))


def _in_equations(text):
    found = set()
    for line in re.findall(r"^ {4}.*", text, re.MULTILINE):
        found |= _split(re.findall(NUMBER, line))
    return found


def _split(found):
    return {number for numbers in found for number in numbers.split(", ")}


def _head(source):
    return source[: source.index('"""', 3) + 3]


def _expanded(code):
    """Finds the numbers in a text, with those between the ends of "(1) to (4)"."""
    found = _split(re.findall(NUMBER, code))
    for first, last in re.findall(r"\((\d+)\)\s+to\s+\((\d+)\)", code):
        found |= {str(number) for number in range(int(first), int(last) + 1)}
    return found


def of_module(source):
    """Returns a module's docstring, or nothing."""
    return ast.get_docstring(ast.parse(source)) or ""


def has_equations(source):
    """Tells whether a module numbers an equation, in its docstring or in its code."""
    numbered = re.search(rf"^ {{4}}.* {NUMBER}$", of_module(source), re.MULTILINE)
    return bool(numbered or _split(re.findall(rf"#.*{NUMBER}", source)))


def has_reference(text, others):
    """Tells whether a docstring has a paragraph "Reference: ", of a year.

    `others` are the docstrings by module: the paragraph may say "as `jaxseq.module`".
    """
    paragraph = re.search(r"^References?:.*?(?=\n\n|\Z)", text, re.M | re.S)
    if paragraph is None:
        return False
    if re.search(r"\b(19|20)\d\d\b", paragraph[0]):
        return True
    named = re.findall(r"as\s`([\w.]+)`", paragraph[0])
    return any(has_reference(others.get(name, ""), others) for name in named)
