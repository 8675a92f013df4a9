"""The map of words as SVG: dots on a plane, and as many labels as there is room for.

Words are marks of `experiments.pages`: pointing at one, touching it, or moving to it by
Tab and the arrow keys, shows its neighbours, in words and on the map. Nothing is drawn
by matplotlib, so that a map needs neither it nor a font that it knows.
"""

import itertools
import unicodedata
from collections.abc import Sequence
from html import escape
from typing import NamedTuple


STYLE = """
svg.words { display: block; width: 100%; min-width: 36rem; max-width: 60rem;
  font: 13px system-ui, "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei",
  sans-serif; touch-action: manipulation; }
svg.words text { fill: var(--ink, #1a1a1a); } svg.words .shown { font-weight: bold; }
svg.words circle { fill: var(--c); }
svg.words [data-n] { cursor: pointer; outline: none; }
svg.words .room { fill: transparent; }
svg.words .covered { visibility: hidden; }
svg.words .now .covered, svg.words .near .covered { visibility: visible; }
svg.words .now circle:not(.room) { stroke: var(--ink, #1a1a1a); stroke-width: 3; }
svg.words .now text, svg.words .near text { text-decoration: underline; }
svg.words:has(.now) [data-n]:not(.now, .near) { opacity: .15; }
"""

_WIDTH, _HEIGHT = 800, 620
_MARGIN = 24
_SIZE = 13  # of the letters
_NUM_COLOURS = 10


class Word(NamedTuple):
    """A word with its place on the plane."""

    word: str
    group: int  # whose neighbour it is: the number of a shown word
    is_shown: bool
    x: float
    y: float
    near: Sequence[tuple[str, float]]  # its neighbours, with their cosines


class Label(NamedTuple):
    """Where a word is written."""

    x: float
    y: float  # of the letters' foot
    anchor: str
    is_free: bool  # nothing else is written there


class _Box(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float


def draw(words: Sequence[Word], label: str) -> str:
    """Returns the map as SVG, to be put into a page with `STYLE`.

    Args:
        words: what is on it.
        label: what the drawing is of, for who cannot see it.
    """
    places = _places(words)
    labels = place_labels(words, places)
    number_of = {each.word: number for number, each in enumerate(words)}
    order = sorted(range(len(words)), key=lambda n: (words[n].group, places[n]))
    groups = []
    for group, members in itertools.groupby(order, key=lambda n: words[n].group):
        marks = "".join(
            _mark(words[n], places[n], labels[n], number_of, 0 if n == order[0] else -1)
            for n in members
        )
        hue = 360 * (group % _NUM_COLOURS) // _NUM_COLOURS
        groups.append(f'<g data-row="" style="--c: hsl({hue} 65% 48%)">{marks}</g>')
    view = f'viewBox="0 0 {_WIDTH} {_HEIGHT}" xmlns="http://www.w3.org/2000/svg"'
    return (
        f'<svg class="words" {view} role="group" aria-label="{escape(label)}" '
        f'data-marks="">{"".join(groups)}</svg>'
    )


def file(words: Sequence[Word], label: str) -> str:
    """Returns the map as a file of its own, on white."""
    style = STYLE + "svg { background: #fff; }"
    return draw(words, label).replace('data-marks="">', f"><style>{style}</style>", 1)


def place_labels(
    words: Sequence[Word], places: Sequence[tuple[float, float]]
) -> list[Label]:
    """Finds a place for each label, those of the shown words first.

    Args:
        words: what is on the map.
        places: of their dots.

    Returns:
        Of each word where it is written: beside its dot, where neither another dot nor
        another label is, or if there is no such place, over them.
    """
    dots = [_Box(x - 4, y - 4, x + 4, y + 4) for x, y in places]
    taken: list[_Box] = []
    labels: dict[int, Label] = {}
    for n in sorted(range(len(words)), key=lambda n: not words[n].is_shown):
        others = taken + dots[:n] + dots[n + 1 :]
        width = _width(words[n].word)
        inside = [each for each in _beside(*places[n], width) if _is_inside(each[1])]
        free = [
            (label, box)
            for label, box in inside
            if not any(_meet(box, other) for other in others)
        ]
        if free:
            labels[n], box = free[0]
            taken.append(box)
        else:
            labels[n] = inside[0][0]._replace(is_free=False)
    return [labels[n] for n in range(len(words))]


def _mark(word, place, label, number_of, tab_index):
    near = ", ".join(f"{other} {cosine:.2f}" for other, cosine in word.near)
    says = escape(f"{word.word}: {near}" if near else word.word)
    linked = [str(number_of[other]) for other, _ in word.near if other in number_of]
    kinds = {"shown": word.is_shown, "covered": not label.is_free}
    kind = " ".join(name for name, holds in kinds.items() if holds)
    x, y = place
    return (
        f'<g role="img" data-n="{number_of[word.word]}" '
        f'data-near="{" ".join(linked)}" tabindex="{tab_index}" aria-label="{says}">'
        f"<title>{says}</title>"
        # Easier to point at than the dot alone.
        f'<circle class="room" cx="{x:.1f}" cy="{y:.1f}" r="11"/>'
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4"/>'
        f'<text class="{kind}" x="{label.x:.1f}" y="{label.y:.1f}" '
        f'text-anchor="{label.anchor}">{escape(word.word)}</text></g>'
    )


def _places(words: Sequence[Word]) -> list[tuple[float, float]]:
    """Spreads the words over the drawing."""
    x_of = _spread([each.x for each in words], _MARGIN, _WIDTH - _MARGIN)
    y_of = _spread([-each.y for each in words], _MARGIN, _HEIGHT - _MARGIN)
    return list(zip(x_of, y_of, strict=True))


def _spread(values: Sequence[float], first: float, last: float) -> list[float]:
    low, span = min(values), max(values) - min(values)
    if span == 0:
        return [(first + last) / 2] * len(values)
    return [first + (value - low) / span * (last - first) for value in values]


def _beside(x: float, y: float, width: float) -> list[tuple[Label, _Box]]:
    """Lists the places for a label around a dot, the best first."""
    found = []
    for anchor, shift, left in (
        ("start", 7, 0.0),
        ("end", -7, -width),
        ("middle", 0, -width / 2),
    ):
        for rise in (-9, 19) if anchor == "middle" else (4, -6, 14):
            at, foot = x + shift, y + rise
            top, bottom = foot - 0.8 * _SIZE, foot + 0.25 * _SIZE
            box = _Box(at + left, top, at + left + width, bottom)
            found.append((Label(at, foot, anchor, True), box))
    return found


def _width(word: str) -> float:
    """Estimates how wide a word is, in a wide font and bold."""
    ems = (1.0 if unicodedata.east_asian_width(c) in "WF" else 0.66 for c in word)
    return _SIZE * sum(ems)


def _is_inside(box: _Box) -> bool:
    return (
        0 <= box.top and box.bottom <= _HEIGHT and 0 <= box.left <= box.right <= _WIDTH
    )


def _meet(one: _Box, other: _Box) -> bool:
    return (
        one.left < other.right
        and other.left < one.right
        and one.top < other.bottom
        and other.top < one.bottom
    )
