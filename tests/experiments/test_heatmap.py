"""The heatmap's numbers, its files, and the page: escaped, whole, without a network."""

import html.parser
import json
import sys

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

from experiments import fonts, heatmap, heatmap_page, pages, results


DOCUMENT = ["the", "<script>alert(1)</script>", "编辑器", '"quoted" & $x_1$']
SUMMARY = ["an", "编辑器"]
WEIGHTS = np.array([[0.5, 0.25, 0.125, 0.125], [0.0, 0.0, 1.0, 0.0]])


def example(**more):
    return heatmap.align(DOCUMENT, SUMMARY, WEIGHTS, [True, False], **more)


class Page(html.parser.HTMLParser):
    """Reads what a browser would: tags, places' numbers, words of the heads."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.numbers, self.heads, self.links = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.tags.append(tag)
        self.links += [values[name] for name in ("src", "href") if name in values]
        if "data-n" in values:
            self.numbers.append(float(values["data-n"]))

    def handle_data(self, text):
        if self.tags and self.tags[-1] in ("th", "span") and text.strip():
            self.heads.append(text)


def test_padding_is_cut_and_must_be_empty():
    padded = np.zeros((5, 9))
    padded[:2, :4] = WEIGHTS
    cut = heatmap.align(DOCUMENT, SUMMARY, padded)
    np.testing.assert_array_equal(cut.weights, WEIGHTS)
    assert cut.is_replaced == (False, False)
    padded[1, 7] = 0.25
    with pytest.raises(
        ValueError, match=r"^weights: expected 0 beyond \[2, 4\], got 0.25"
    ):
        heatmap.align(DOCUMENT, SUMMARY, padded)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": WEIGHTS[:1]}, r"weights: expected shape \[2, 4\] or more, got"),
        ({"weights": WEIGHTS.T}, r"weights: expected shape \[2, 4\] or more, got"),
        ({"weights": WEIGHTS[0]}, r"weights: expected shape \[2, 4\] or more, got"),
        ({"weights": WEIGHTS * 0.9}, "weights: expected a sum of 1 at each word"),
        ({"weights": WEIGHTS - 0.5}, "weights: expected numbers in 0 to 1, got -0.5"),
        ({"weights": WEIGHTS * np.nan}, "weights: expected numbers in 0 to 1, got nan"),
        ({"is_replaced": [True]}, "is_replaced: expected 2 of them, got 1"),
        ({"document": "text"}, "document: expected a list of words, 1 or more"),
        ({"summary": []}, "summary: expected a list of words, 1 or more"),
    ],
)
def test_wrong_arguments_are_named(change, message):
    right = {"document": DOCUMENT, "summary": SUMMARY, "weights": WEIGHTS}
    with pytest.raises(ValueError, match=f"^{message}"):
        heatmap.align(**(right | change))


def test_the_layout_is_that_of_the_paper():
    """[M, T], dark is high, words on top and right."""
    axes = Figure().add_subplot()
    heatmap.draw(axes, example(), "DejaVu Sans")
    (image,) = axes.images
    np.testing.assert_array_equal(image.get_array(), WEIGHTS.T)
    assert image.get_clim() == (0, 1)
    assert image.to_rgba(np.ones((1, 1)))[0, 0, 0] == 0
    along, down = axes.xaxis, axes.yaxis
    assert along.get_ticks_position() == "top"
    assert down.get_ticks_position() == "right"
    labels = [[t.get_text() for t in a.get_ticklabels()] for a in (along, down)]
    assert labels == [["an*", "编辑器"], DOCUMENT]
    assert axes.yaxis_inverted()


def test_files_hold_the_numbers_and_nothing_global_changes(tmp_path):
    before = dict(matplotlib.rcParams), matplotlib.get_backend()
    plain = heatmap.align(
        ["the", "$a_1$"], ["an", "a"], np.array([[1, 0], [0.25, 0.75]])
    )
    written = heatmap.write(tmp_path, 7, plain)
    names = ["heatmap_07.json", "heatmap_07.png", "heatmap_07.svg"]
    assert [path.name for path in written] == names
    assert {heatmap.number_of(path) for path in written} == {7}
    assert sorted(tmp_path.iterdir()) == written
    numbers = json.loads(written[0].read_text("utf-8"))
    assert numbers["weights"] == [[1, 0], [0.25, 0.75]]
    assert (numbers["document"], numbers["summary"]) == (["the", "$a_1$"], ["an", "a"])
    assert written[1].read_bytes()[:4] == b"\x89PNG"
    svg = written[2].read_bytes()
    assert b"<svg" in svg
    heatmap.write(tmp_path, 7, plain)
    assert written[2].read_bytes() == svg
    assert (dict(matplotlib.rcParams), matplotlib.get_backend()) == before
    assert (
        "matplotlib.pyplot" not in sys.modules or before[1] == matplotlib.get_backend()
    )


def test_without_a_font_or_matplotlib_the_numbers_still_come(
    tmp_path, monkeypatch, capsys
):
    odd = heatmap.align(["\U000fffff"], ["a"], np.ones((1, 1)))
    assert [p.name for p in heatmap.write(tmp_path, 1, odd)] == ["heatmap_01.json"]
    assert "no heatmap: no font" in capsys.readouterr().err
    monkeypatch.setattr(results, "can_draw", lambda: False)
    written = heatmap.write(tmp_path, 100, example())
    assert [p.name for p in written] == ["heatmap_100.json"]
    assert heatmap.number_of(written[0]) == 100


def test_heatmaps_of_another_run_are_removed(tmp_path):
    others = ["heatmap_02.json", "heatmap_11.svg", "heatmap_100.png"]
    own = ["heatmap_mine.png", "heatmap_02.txt", "result.json"]
    for name in (*others, *own, "heatmap_01.json"):
        (tmp_path / name).touch()
    heatmap.remove_others(tmp_path, [tmp_path / "heatmap_01.json"])
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == sorted([*own, "heatmap_01.json"])


def test_a_font_is_chosen_that_has_the_characters():
    assert fonts.font_for("plain English") == "DejaVu Sans"
    assert fonts.font_for("\U000fffff") is None


def test_the_page_holds_every_number_and_escapes_every_word(tmp_path):
    shown = {3: example(reference="<i>")}
    path = heatmap_page.write(tmp_path / "page.html", "<b>", shown)
    text = path.read_text("utf-8")
    assert text.count("<script>") == 1
    assert "alert(1)&lt;/script&gt;" in text
    page = Page(text)
    assert page.numbers == WEIGHTS.T.ravel().tolist()
    assert page.heads == ["an*", "编辑器", *DOCUMENT]
    assert "<h2>3</h2>" in text
    assert not {"b", "i", "img", "link", "iframe"} & set(page.tags)
    assert page.links == []
    assert "http:" not in text
    assert "https:" not in text


def test_one_place_of_each_table_is_in_the_order_of_tab():
    text = heatmap_page.page("two", {1: example(), 2: example()}, "zh")
    assert text.count('tabindex="0"') == 2
    assert text.count('<table role="grid"') == 2
    assert '<html lang="zh">' in text
    assert 'aria-label="编辑器 ← 编辑器: 1.000"' in text


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("这个GNOME软件包提供一个工具", "zh"),
        ("一个「の」字的汉字文章提供很多很多工具", "zh"),
        ("これは文書を読むツールです", "ja"),
        ("이 패키지는 도구를 제공합니다 漢字", "ko"),
        ("a package that reads 编辑器 as text, and more", "en"),
        ("1, 2", "en"),
    ],
)
def test_the_script_tells_the_language(text, language):
    assert pages.language_of(text) == language


def test_only_files_of_an_example_are_found_and_removed(tmp_path):
    names = ["heatmap_02.json", "heatmap_10.png", "heatmap_100.svg"]
    others = [
        "heatmap_2.json",
        "heatmap_2026.png",
        "heatmap_old.json",
        "heatmap_09.txt",
    ]
    for name in (*names, *others):
        (tmp_path / name).write_text("{}", "utf-8")
    (tmp_path / "heatmap_05.json").mkdir()
    assert [path.name for path in heatmap.find(tmp_path)] == names
    heatmap.remove_others(tmp_path, [tmp_path / "heatmap_10.png"])
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"heatmap_10.png", "heatmap_05.json", *others}
