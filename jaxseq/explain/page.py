"""Joins the page: back-propagation through time on the lecture's network, by hand.

The page is one file of HTML that needs nothing else: style, words and script stand in
it, and its content security policy lets it load nothing. Its script computes what the
library computes, in the browser's float64; a test compares the two.

The parts are files beside this one:

    page.html, page.css    what there is, and how it looks
    words.json             all texts, English and Chinese
    network.js             the arithmetic: equations (1) to (3), BP1 to BP4
    notation.js            equations as MathML
    stages.js              the steps of the computation
    graph.js               the drawing of the unrolled network
    fields.js              the fields, and what they accept
    page.js                what is shown and what the controls do
"""

import json
import re
from importlib import resources
from pathlib import Path
from typing import Literal, get_args

from jaxseq.checks import expect


Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

# In the order in which they need each other.
_SCRIPTS = ("network", "notation", "stages", "graph", "fields", "page")


def page(language: Language = "en") -> str:
    """Returns the page.

    Args:
        language: the one that it opens in; a button changes to the other.

    Raises:
        ValueError: if the language is none of these.
    """
    expect(language in LANGUAGES, "language", " or ".join(LANGUAGES), repr(language))
    words = json.loads(_part("words.json"))
    # "<" as \u003c: no text can end the script.
    listed = json.dumps(words, ensure_ascii=False, indent=1).replace("<", "\\u003c")
    scripts = [_part(f"{name}.js") for name in _SCRIPTS]
    parts = {
        "language": language,
        "title": words[language]["title"],
        "noscript": words[language]["noscript"],
        "style": _part("page.css").strip(),
        "script": "\n".join([f"const WORDS = {listed};\n", *scripts]).strip(),
    }
    # In one pass: what is put in is not searched again.
    return re.sub(r"@(\w+)@", lambda found: parts[found[1]], _part("page.html"))


def write(path: Path, language: Language = "en") -> Path:
    """Writes the page; returns its path.

    Args:
        path: the file; what was there is replaced.
        language: as for `page`.

    Raises:
        ValueError: as `page` does.
        OSError: if the file cannot be written.
    """
    path.write_text(page(language), "utf-8")
    return path


def _part(name: str) -> str:
    return resources.files("jaxseq.explain").joinpath(name).read_text("utf-8")
