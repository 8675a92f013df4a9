"""The little language of Elman 1990, table 3 and 4: 29 words, 16 kinds of sentences.

The paper's text says thirteen classes and fifteen templates; its tables have twelve and
sixteen, and "cookie, break" where it means bread. "see", "break" and "move" are of two
classes.
"""

import collections
from collections.abc import Sequence

import numpy as np


CLASSES = {
    "NOUN-HUM": "man woman boy girl",
    "NOUN-ANIM": "cat mouse dog",
    "NOUN-INANIM": "book rock car",
    "NOUN-AGRESS": "dragon monster lion",
    "NOUN-FRAG": "glass plate",
    "NOUN-FOOD": "cookie bread sandwich",
    "VERB-INTRAN": "think sleep exist",
    "VERB-TRAN": "see chase like",
    "VERB-AGPAT": "move break",
    "VERB-PERCEPT": "smell see",
    "VERB-DESTROY": "break smash",
    "VERB-EAT": "eat",
}
TEMPLATES = """
NOUN-HUM VERB-EAT NOUN-FOOD
NOUN-HUM VERB-PERCEPT NOUN-INANIM
NOUN-HUM VERB-DESTROY NOUN-FRAG
NOUN-HUM VERB-INTRAN
NOUN-HUM VERB-TRAN NOUN-HUM
NOUN-HUM VERB-AGPAT NOUN-INANIM
NOUN-HUM VERB-AGPAT
NOUN-ANIM VERB-EAT NOUN-FOOD
NOUN-ANIM VERB-TRAN NOUN-ANIM
NOUN-ANIM VERB-AGPAT NOUN-INANIM
NOUN-ANIM VERB-AGPAT
NOUN-INANIM VERB-AGPAT
NOUN-AGRESS VERB-DESTROY NOUN-FRAG
NOUN-AGRESS VERB-EAT NOUN-HUM
NOUN-AGRESS VERB-EAT NOUN-ANIM
NOUN-AGRESS VERB-EAT NOUN-FOOD
"""
WORDS = tuple(dict.fromkeys(" ".join(CLASSES.values()).split()))
IS_NOUN = np.array(
    [any(w in CLASSES[c].split() for c in CLASSES if c < "O") for w in WORDS]
)


def draw(num_sentences: int, seed: int) -> list[list[int]]:
    """Draws sentences, as the numbers of their words in `WORDS`.

    Args:
        num_sentences: how many.
        seed: of the draw: templates alike likely, and the words of a class.
    """
    rng = np.random.default_rng(seed)
    templates = [line.split() for line in TEMPLATES.strip().splitlines()]
    members = {
        name: [WORDS.index(word) for word in words.split()]
        for name, words in CLASSES.items()
    }
    return [
        [int(rng.choice(members[name])) for name in templates[number]]
        for number in rng.integers(0, len(templates), num_sentences)
    ]


def likelihoods(sentences: Sequence[Sequence[int]]) -> np.ndarray:
    """Counts what follows each beginning of a sentence, over all sentences.

    Returns:
        `[N, 29]` for each word of the stream the probabilities of the next, given the
        sentence so far; after a sentence's last word, those of first words as well.
    """
    counts: dict[tuple, np.ndarray] = collections.defaultdict(
        lambda: np.zeros(len(WORDS))
    )
    contexts = []
    for number, sentence in enumerate(sentences):
        following = sentences[(number + 1) % len(sentences)][0]
        for place, nxt in enumerate([*sentence[1:], following]):
            context = tuple(sentence[: place + 1])
            counts[context][nxt] += 1
            contexts.append(context)
    shares = {context: count / count.sum() for context, count in counts.items()}
    return np.array([shares[context] for context in contexts])
