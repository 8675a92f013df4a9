"""The map's labels stand where nothing else is, and all words are there to be found."""

import re
import xml.etree.ElementTree

import numpy as np

from experiments import word_map
from experiments.word_map import Word


def drawn(num_words):
    rng = np.random.default_rng(0)
    at = rng.normal(size=(num_words, 2))
    return [
        Word(f"word{n:03}", n % 5, n < 5, x, y, [("word000", 0.5), ("elsewhere", 0.25)])
        for n, (x, y) in enumerate(at.tolist())
    ]


def boxes(words):
    """Returns the places of dots and labels, letters taken as wide as in no font."""
    places = word_map._places(words)
    labels = word_map.place_labels(words, places)
    shift = {"start": 0.0, "end": 1.0, "middle": 0.5}
    found = []
    for word, label in zip(words, labels, strict=True):
        width = 0.6 * 13 * len(word.word)
        left = label.x - shift[label.anchor] * width
        found.append((left, label.y - 10, left + width, label.y + 3))
    return np.array(places), np.array(found), labels


def test_free_labels_meet_no_dot_and_no_other_label():
    words = drawn(80)
    places, at, labels = boxes(words)
    free = np.array([label.is_free for label in labels])
    assert 40 < free.sum() < 80
    assert free[:5].all()  # of the words shown
    left, top, right, bottom = at.T
    assert left.min() >= 0
    assert top.min() >= 0
    assert right.max() <= 800
    assert bottom.max() <= 620
    meet = (left < right[:, None]) & (left[:, None] < right)
    meet &= (top < bottom[:, None]) & (top[:, None] < bottom)
    assert not (meet & free & free[:, None] & ~np.eye(80, dtype=bool)).any()
    x, y = places.T[..., None]
    over = (left < x) & (x < right) & (top < y) & (y < bottom)
    assert not (over & free).any()


def test_words_without_room_are_marked_and_every_word_is_there():
    words = drawn(150)
    svg = word_map.draw(words, "a map")
    _, _, labels = boxes(words)
    assert re.findall(r">(word\d+)</text>", svg) != []
    assert svg.count("covered") == sum(not label.is_free for label in labels) > 0
    assert svg.count('tabindex="0"') == 1
    assert svg.count('data-near="0"') == 150  # of those that are on the map
    assert svg.count("word000 0.50, elsewhere 0.25") == 2 * 150


def test_words_at_one_place_and_words_of_any_script_are_drawn():
    one = [Word("a&b", 0, True, 0.0, 0.0, []), Word("编辑器", 0, False, 0.0, 0.0, [])]
    text = word_map.file(one, "<map>")
    assert 'cx="400.0" cy="310.0"' in text
    assert "a&amp;b</text>" in text
    assert ">编辑器</text>" in text
    assert 'aria-label="&lt;map&gt;"' in text


def test_the_file_is_xml_as_browsers_want_it():
    """Unlike a page, in which an attribute needs no value."""
    words = [Word("<&\"'>", 0, True, 0.0, 0.0, [("b", 0.5)]), *drawn(3)]
    root = xml.etree.ElementTree.fromstring(word_map.file(words, 'a < "b" & c'))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    written = [each.text for each in root.iter("{http://www.w3.org/2000/svg}text")]
    assert written.count("<&\"'>") == 1
