"""The report of all results, and the curves that it draws."""

import base64
import html.parser
import json
import math
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from experiments import curves, gradient_check, heatmap, report, results
from experiments.classics import claims, modern_hopfield, page as classics_page
from experiments.curves import Curve
from experiments.data import debian
from experiments.word_map import Word
from jaxseq import commands, explain
from jaxseq.gradcheck import Report, Row
from tests import browser
from tests.test_lecture_numbers import GOLDEN


# One pixel.
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAA"
    "ABJRU5ErkJggg=="
)
TRAIN = [[5 * n, 60 / n] for n in range(1, 31)]
VALID = [[50, 12.5], [100, 5.25], [150, 4.0]]
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"></svg>'
VOID = {"meta", "link", "img", "br", "wbr"}


def fill(out: Path) -> None:
    """Writes what the experiments would, small."""
    states, deltas = GOLDEN["states"], GOLDEN["state_deltas"]
    solved = {
        "forward": {name: GOLDEN[name] for name in ("states", "logits", "outputs")}
        | {"losses": [1.5217, 0.75428, 1.15094]},
        "loss": GOLDEN["loss"],
        "backward": {
            "output_deltas": GOLDEN["output_deltas"],
            "d_states": states,
            "state_deltas": deltas,
            "gradients": {
                "cell": {key: GOLDEN[f"d_{key}"] for key in "UW"}
                | {"b": GOLDEN["d_b_s"]},
                "readout": {"V": GOLDEN["d_V"], "b": GOLDEN["d_b_o"]},
            },
        },
        "max_difference": {"another way": 2.5e-17},
    }
    language_model = {
        "config": {
            **{"cell": "lstm", "num_layers": 1, "num_hidden": 8, "tokens": "words"},
            **{"batch_size": 2, "num_steps": 4, "temperature": 0.8},
        },
        "corpus": {"name": "some <text>"},
        "num_weights": 1234,
        "num_tokens": 5678,
        "train": TRAIN,
        "valid": VALID,
        "valid_perplexity": 4.0,
        "bigram_perplexity": 9.0,
        "sample": ["a <b> c", "第二行"],
    }
    word2vec = {
        "corpus": {"name": "words", "num_words": 1000, "num_vectors": 100},
        "seconds": 2.0,
        "neighbours": {"<king>": [["queen", 0.75], ["man", 0.5]]},
        "scores": {"pairs": {"spearman": 0.625}},
        "losses": [[0.5, 2.5], [1.0, 2.0]],
        "map": [
            Word("<king>", 0, True, 0.0, 0.0, [("queen", 0.75), ("man", 0.5)]),
            Word("queen", 0, False, 1.0, 0.0, [("<king>", 0.75), ("who", 0.25)]),
            Word("man", 0, False, 0.0, 1.0, [("<king>", 0.5)]),
        ],
    }
    word2vec["map"] = [each._asdict() for each in word2vec["map"]]
    points = {"ROUGE-1": 40.0, "ROUGE-L": 35.0}
    summarize = {
        "corpus": {"name": "pairs", "num_train": 10, "num_test": 5},
        "seconds": 3.0,
        "nats": [4.0, 3.0, 2.5],
        "valid_perplexity": [20.0, 10.0],
        "rouge": {
            "systems": {"lead-8": points, "copy": points},
            "over_best_lead": {"ROUGE-L": {"mean": 1.0, "low": 0.5, "high": 1.5}},
        },
    }
    hopfield = {
        "name": "modern_hopfield",
        "config": {"seed": 3},
        "seconds": 1.5,
        "figures": ["one.png"],
        "claims": [
            claims.at_least("a < b", ".5", 1.0, 0.2)._asdict(),
            claims.at_least("c", "-", 1.0, 2.0)._asdict(),
        ],
    }
    for name, found in (
        ("lecture/lecture", solved),
        ("language_model/lstm", language_model),
        ("word2vec/result", word2vec),
        ("summarize/result", summarize),
        ("classics/modern_hopfield/result", hopfield),
    ):
        path = out / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        results.write_json(path, found)
    (out / "lecture" / "unrolled.svg").write_bytes(SVG)
    (out / "classics" / "modern_hopfield" / "one.png").write_bytes(PNG)
    weights = np.array([[0.5, 0.25, 0.25], [0.0, 0.0, 1.0]])
    seen = heatmap.align(["the", "<i>", "编辑器"], ["an", "编辑器"], weights)
    numbers = seen._replace(weights=seen.weights.tolist())._asdict()
    numbers |= {"copied": None}  # as an earlier version wrote it
    results.write_json(out / "summarize" / "heatmap_07.json", numbers)


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """The folder of results, with the report."""
    out = tmp_path_factory.mktemp("out")
    fill(out)
    report.main(["--out", str(out)])
    return out


@pytest.fixture(scope="module")
def chrome():
    with browser.started() as started:
        yield started


class Page(html.parser.HTMLParser):
    """Insists that each tag is closed; keeps links, ids and the marks' words."""

    def __init__(self, text):
        super().__init__()
        self.open, self.links, self.ids, self.says, self.tags = [], [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.tags.append(tag)
        self.links += [values[name] for name in ("src", "href") if name in values]
        self.ids += [values["id"]] if "id" in values else []
        self.says += [values["aria-label"]] if "data-n" in values else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_report_holds_every_figure_and_number(full):
    text = (full / "index.html").read_text("utf-8")
    seen = Page(text)
    assert seen.open == []
    assert not {"i", "b", "king"} & set(seen.tags)
    assert len(seen.ids) == len(set(seen.ids))
    outside = [link for link in seen.links if not link.startswith(("data:", "#"))]
    assert outside == ["explain.html"]
    assert {link[1:] for link in seen.links if link[0] == "#"} <= set(seen.ids)
    images = [link for link in seen.links if link.startswith("data:image/")]
    assert len(images) == 2  # the lecture's network, the classic's figure
    assert base64.b64decode(images[1].partition(",")[2]) == PNG
    svg = base64.b64decode(images[0].partition(",")[2])
    assert svg == SVG
    for said in ("loss is 3.42692", "−0.78166", "(0.04833,\u00a00.00163)", "2.5e-17"):
        assert said in text
    assert "<king>: queen 0.75, man 0.50" in seen.says
    for said in ("queen 0.75", "0.625", "+0.50 to +1.50", "Held-out perplexity\n4.0"):
        assert said in text
    assert "1 of 2 statements hold." in text
    assert "an ← 编辑器: 0.250" in seen.says
    assert "attention of example 7" in text
    assert "+0.50 to +1.50 (n = 5: too few)" in text
    assert "held-out text, 100: 5.25" in seen.says
    assert len([words for words in seen.says if "text, " in words]) == 30 + 3 + 2 + 5
    guide = (full / "explain.html").read_text("utf-8")
    assert guide == explain.page()


def test_without_the_shipped_texts_commands_ask_for_ones_own(tmp_path, monkeypatch):
    monkeypatch.setattr(debian, "path", lambda: tmp_path / "debian.jsonl.xz")
    text = report.report(tmp_path)
    for command in ("lm --text", "word2vec --corpus", "summarize --pairs"):
        assert f"jaxseq {command} FILE --out {tmp_path}" in text


def test_one_epoch_is_no_curve(full, tmp_path):
    shutil.copytree(full, tmp_path / "out")
    path = tmp_path / "out" / "summarize" / "result.json"
    label = "Held-out perplexity of each epoch"
    assert label in report.report(tmp_path / "out")
    found = json.loads(path.read_text("utf-8")) | {"valid_perplexity": [20.0]}
    results.write_json(path, found)
    assert label not in report.report(tmp_path / "out")


def test_what_is_missing_is_said_with_its_command(full, tmp_path):
    text = report.report(tmp_path / "a b")
    named = re.findall(r"<code>jaxseq (\w+) --out &#x27;.*/a b&#x27;</code>", text)
    assert named == ["report", *(part.command for part in report.PARTS)]
    for part in report.PARTS:
        assert commands.COMMANDS[part.command].module.startswith(f".{part.name}")
    assert text.count("(not run)") == len(report.PARTS)
    assert report.report(full).count("(not run)") == 1  # the gradient check
    assert "Not run: hopfield_capacity" in report.report(full)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("lecture/lecture.json", "{"),
        ("word2vec/result.json", "[]"),
        ("language_model/lstm.json", '{"config": 3}'),
        ("summarize/result.json", "{}"),
        ("classics/modern_hopfield/result.json", '{"name": "x"}'),
    ],
)
def test_what_cannot_be_read_does_not_keep_the_rest_out(tmp_path, name, content):
    fill(tmp_path)
    (tmp_path / name).write_text(content)
    text = report.report(tmp_path)
    assert text.count(" cannot be shown") == 1
    assert Page(text).open == []


def test_gradient_check_writes_what_the_report_shows(tmp_path, monkeypatch, capsys):
    def check(cell):
        verdict = "truncated" if cell == "cut" else "equal"
        row = Row("params.W", (1, 0), 0.5, 0.5, 0.5, 1e-12, 2.5e-12, verdict)
        return Report(cell, cell == "cut", (row,))

    monkeypatch.setattr(gradient_check, "CELLS", ("whole", "cut"))
    monkeypatch.setattr(gradient_check, "check_cell", check)
    assert gradient_check.main(["--out", str(tmp_path)]) == 0
    assert "2 of 2 cells passed" in capsys.readouterr().out
    found = json.loads((tmp_path / "gradient_check" / "result.json").read_text())
    assert [cell["name"] for cell in found["cells"]] == ["whole", "cut"]
    text = report.report(tmp_path)
    assert "2 of 2 cells pass" in text
    assert "<td>2.5e-12</td><td>truncated</td>" in text
    found["cells"][0]["passed"] = False
    results.write_json(tmp_path / "gradient_check" / "result.json", found)
    text = report.report(tmp_path)
    assert "1 of 2 cells pass" in text
    assert text.count('class="missed"') == 1


def heights(svg):
    return [
        float(y) for y in re.findall(r'<circle cx="[\d.]+" cy="([\d.]+)" r="6"', svg)
    ]


def test_chart_puts_points_where_their_numbers_are():
    points = [(0, 1.0), (5, 10.0), (10, 100.0)]
    logarithmic = heights(curves.chart("a", "x", "y", [Curve("c", points)], curves.LOG))
    linear = heights(curves.chart("a", "x", "y", [Curve("c", points)]))
    top, middle, bottom = logarithmic[::-1]
    assert top < middle < bottom
    assert math.isclose(middle - top, bottom - middle, abs_tol=0.21)
    share = (linear[0] - linear[1]) / (linear[0] - linear[2])
    assert math.isclose(share, 9 / 99, abs_tol=1e-3)


def test_chart_leaves_out_what_is_not_finite_and_refuses_nothing_at_all():
    points = [(0, 1.0), (1, math.inf), (2, math.nan), (3, 2.0)]
    assert len(heights(curves.chart("a", "x", "y", [Curve("c", points)]))) == 2
    assert len(heights(curves.chart("a", "x", "y", [Curve("c", [(1, 1.0)])]))) == 1
    with pytest.raises(ValueError, match="^curves: expected one point or more"):
        curves.chart("a", "x", "y", [Curve("c", points[1:3])])


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.0, 500.0, [0, 100, 200, 300, 400, 500]),
        (2.29, 2.71, [2.3, 2.4, 2.5, 2.6, 2.7]),
        (12.5, 40.0, [15, 20, 25, 30, 35, 40]),
    ],
)
def test_linear_ticks_are_round(low, high, ticks):
    np.testing.assert_allclose(curves.LINEAR.ticks(low, high), ticks)


def test_logarithmic_ticks_are_few_and_within():
    assert curves.LOG.ticks(3.0, 120.0) == [5, 10, 20, 50, 100]
    assert curves.LOG.ticks(0.5, 2e9)[:2] == [1, 10]
    assert curves.LOG.ticks(1.5, 12.0) == [2, 5, 10]
    # None of 1, 2, 5, or one or two of them, would be no axis.
    np.testing.assert_allclose(curves.LOG.ticks(51.0, 72.0), [55, 60, 65, 70])
    np.testing.assert_allclose(curves.LOG.ticks(45.0, 72.0), [45, 50, 55, 60, 65, 70])


@pytest.mark.parametrize("scale", [curves.LINEAR, curves.LOG])
@pytest.mark.parametrize("ys", [[57.5], [3.0, 3.0], [1e-9, 1.0000001e-9], [51, 72.0]])
def test_each_axis_has_two_ticks_or_more(scale, ys):
    svg = curves.chart("a", "x", "y", [Curve("c", list(enumerate(ys)))], scale)
    left = re.findall(r'text-anchor="end">([\d.,e-]+)<', svg)
    below = re.findall(r'text-anchor="middle">([\d.,e-]+)<', svg)
    assert min(len(set(left)), len(set(below))) >= 2


def lit(chrome):
    """Returns the words that the map shows as chosen, and as their neighbours."""
    found = "svg.words .now text", "svg.words .near text"
    elements = (chrome.find_elements(By.CSS_SELECTOR, each) for each in found)
    return tuple(sorted(e.text for e in each) for each in elements)


def test_report_works_in_a_browser(full, chrome):
    browser.requests(chrome)
    browser.open_page(chrome, full / "index.html")
    assert browser.errors(chrome) == []
    assert browser.overflow(chrome) <= 0
    asked = browser.requests(chrome)
    own = (full / "index.html").as_uri()
    assert all(own in text or '"data:' in text for text in asked)
    broken = chrome.execute_script(
        "return [...document.images].filter(i => !i.naturalWidth).length"
    )
    assert broken == 0

    def number(section):
        return section.find_element(By.CSS_SELECTOR, ".number").text

    chart = chrome.find_element(By.CSS_SELECTOR, "#language_model section")
    first = chart.find_element(By.CSS_SELECTOR, '[data-n][tabindex="0"]')
    first.send_keys(Keys.ARROW_RIGHT)
    assert number(chart) == "training text, 10: 30"
    chrome.switch_to.active_element.send_keys(Keys.END)
    assert number(chart) == "training text, 150: 2"
    chrome.switch_to.active_element.send_keys(Keys.ARROW_DOWN)  # the nearest
    assert number(chart) == "held-out text, 150: 4"

    table = chrome.find_element(By.CSS_SELECTOR, "#summarize .map")
    section = table.find_element(By.XPATH, "./ancestor::section")
    table.find_element(By.CSS_SELECTOR, '[tabindex="0"]').send_keys(Keys.ARROW_DOWN)
    assert number(section) == "an ← <i>: 0.250"
    chrome.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
    assert number(section) == "编辑器 ← <i>: 0.000"
    hovered = table.find_element(By.CSS_SELECTOR, "tr:nth-child(3) td:nth-child(2)")
    chrome.execute_script(
        "arguments[0].dispatchEvent(new MouseEvent('mouseover', {bubbles: true}))",
        hovered,
    )
    assert number(section) == "编辑器 ← 编辑器: 1.000"

    chart = chrome.find_element(By.CSS_SELECTOR, "#word2vec section")
    first = chart.find_element(By.CSS_SELECTOR, '[data-n][tabindex="0"]')
    first.send_keys(Keys.ARROW_RIGHT)
    assert chrome.switch_to.active_element.text == "<king>"
    assert number(chart) == "<king>: queen 0.75, man 0.50"
    assert lit(chrome) == (["<king>"], ["man", "queen"])
    chrome.switch_to.active_element.send_keys(Keys.END)
    assert lit(chrome) == (["queen"], ["<king>"])
    man = chart.find_element(By.CSS_SELECTOR, '[data-n="2"] circle')
    ActionChains(chrome).move_to_element(man).perform()
    assert number(chart) == "man: <king> 0.50"
    assert lit(chrome) == (["man"], ["<king>"])
    heading = chrome.find_element(By.CSS_SELECTOR, "#word2vec h2")
    ActionChains(chrome).move_to_element(heading).perform()
    assert lit(chrome) == (["queen"], ["<king>"])  # what the keyboard is at
    chrome.switch_to.active_element.send_keys(Keys.TAB)
    assert lit(chrome) == ([], [])

    browser.open_page(chrome, full / "index.html", width=360)
    assert browser.overflow(chrome) <= 0
    chart = chrome.find_element(By.CSS_SELECTOR, "#word2vec section")
    browser.touch(chrome, chart.find_element(By.CSS_SELECTOR, '[data-n="2"] circle'))
    assert number(chart) == "man: <king> 0.50"
    assert lit(chrome) == (["man"], ["<king>"])
    chrome.find_element(By.LINK_TEXT, "the lecture’s network, step by step").click()
    assert chrome.title == "Back-propagation through time, step by step"


def test_a_phone_shows_every_verdict_and_the_whole_legend(tmp_path, chrome):
    fill(tmp_path)
    rows = [{"relative": 1e-11, "verdict": each} for each in ("both zero", "equal")]
    cut = [{"relative": 1.0, "verdict": "truncated"}]
    cells = [
        {"name": name, "passed": True, "rows": rows}
        for name, rows in (
            ("jordan.one_step(4, mu=0.5)", rows),
            ("lstm_1997_blocks.truncated(2)", cut),
        )
    ]
    (tmp_path / "gradient_check").mkdir()
    results.write_json(tmp_path / "gradient_check" / "result.json", {"cells": cells})
    report.main(["--out", str(tmp_path)])
    browser.open_page(chrome, tmp_path / "index.html", width=375)
    wider = """return [...document.querySelectorAll(arguments[0])]
      .filter(box => box.scrollWidth > box.clientWidth).length"""
    assert chrome.execute_script(wider, "#gradient_check .scroll") == 0
    assert chrome.execute_script(wider, "#language_model .scroll") == 0
    legend = chrome.find_elements(By.CSS_SELECTOR, "#language_model li")
    named = ["training text", "held-out text", "bigram, Kneser-Ney: 9.0"]
    assert [each.text for each in legend] == named
    # Nothing of the drawing is cut off at its edges.
    outside = chrome.execute_script(
        """const svg = document.querySelector(".curves").getBoundingClientRect();
        return [...document.querySelectorAll(".curves text")].filter(each => {
          const box = each.getBoundingClientRect();
          return box.left < svg.left || box.right > svg.right; }).length"""
    )
    assert outside == 0


def test_the_page_of_the_classics_shows_its_linked_figures(full, chrome):
    found = json.loads(
        (full / "classics" / "modern_hopfield" / "result.json").read_text("utf-8")
    )
    index = classics_page.write(
        full / "classics" / "index.html", [found], [modern_hopfield.__doc__]
    )
    browser.open_page(chrome, index, width=360)
    assert browser.errors(chrome) == []
    assert browser.overflow(chrome) <= 0
    assert chrome.execute_script("return document.images[0].naturalWidth") == 1
