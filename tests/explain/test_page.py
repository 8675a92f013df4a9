"""The page as text: whole, the same every time, in two languages, all in one file."""

import html.parser
import json
import re
from importlib import resources

import pytest

from jaxseq import explain
from jaxseq.explain.__main__ import main


WORDS = json.loads(
    resources.files("jaxseq.explain").joinpath("words.json").read_text("utf-8")
)
VOID = {"meta", "link", "input", "br", "img"}


class Page(html.parser.HTMLParser):
    """Reads tags as a browser does, and insists that each is closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.attributes, self.text = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.attributes += attributes
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        self.text += text

    def values(self, name):
        return [value for key, value in self.attributes if key == name]


@pytest.mark.parametrize("language", explain.LANGUAGES)
def test_page_is_one_well_formed_file(language):
    text = explain.page(language)
    page = Page(text)
    assert page.open == []
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    assert page.values("lang")[0] == language
    assert WORDS[language]["title"] in page.text
    assert not re.search(r"@\w+@", text)
    assert text == explain.page(language)


def test_page_has_no_address_but_its_icon():
    text = explain.page()
    page = Page(text)
    assert page.values("href") == ["data:,"]
    assert page.values("src") == []
    assert not re.search(r"https?:|//[a-z]+\.|@import|\burl\((?!#)", text)
    policy = next(value for value in page.values("content") if "default-src" in value)
    assert "default-src 'none'" in policy


def test_both_languages_have_every_word_and_the_same_places():
    english, chinese = WORDS["en"], WORDS["zh"]
    assert list(english) == list(chinese)
    for key, text in english.items():
        assert text.strip()
        places = [sorted(re.findall(r"\{\w+\}", each)) for each in (text, chinese[key])]
        assert places[0] == places[1], key
        assert re.search(r"[\u4e00-\u9fff]", chinese[key]), key


def test_every_word_is_used_and_every_one_asked_for_is_there():
    text = explain.page()
    asked = set(re.findall(r'data-(?:word|label)="(\w+)"', text))
    asked |= set(re.findall(r"\bwords\.(\w+)", text))
    assert asked <= WORDS["en"].keys()
    # Built names: "bp1_title" of "bp1", "slip_a" of "a", "slide" of a label.
    built = (
        r"_(title|text)$|^slip_[a-e]$|^(slide|right|exercise|forward|backward|sums)$"
    )
    for key in WORDS["en"]:
        is_asked = key in asked | {"matrix_entry", "vector_entry", "noscript"}
        assert is_asked or re.search(built, key), key


def test_page_refuses_another_language():
    with pytest.raises(ValueError, match="^language: expected en or zh, got 'fr'$"):
        explain.page("fr")


def test_main_writes_the_page(tmp_path, capsys):
    path = tmp_path / "page.html"
    assert main(["--out", str(path), "--lang", "zh"]) == 0
    assert path.read_text("utf-8") == explain.page("zh")
    assert str(path) in capsys.readouterr().out


@pytest.mark.parametrize("out", ["", "out", "new/deep", "dotted.d"])
def test_main_writes_under_a_folder_as_every_command_does(out, tmp_path, capsys):
    path = tmp_path / out / "explain.html"
    assert main(["--out", str(tmp_path / out)]) == 0
    assert path.read_text("utf-8") == explain.page()
    assert str(path) in capsys.readouterr().out


def test_main_says_in_one_line_why_it_cannot(tmp_path, capsys):
    taken = tmp_path / "page.html"
    taken.mkdir()
    with pytest.raises(SystemExit, match="^2$"):
        main(["--out", str(taken)])
    said = capsys.readouterr().err
    assert said == f"error: cannot write {taken}: Is a directory\n"
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(SystemExit, match="^2$"):
        main(["--out", str(file)])
    assert capsys.readouterr().err.startswith(f"error: cannot write {file}/")
