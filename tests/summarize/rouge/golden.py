"""What rouge_score 0.1.2 and NLTK 3.10.4 say, for machines that have neither.

In an environment with `pip install rouge-score==0.1.2 nltk==3.10.4`:

    python -m tests.summarize.rouge.golden > tests/summarize/rouge/golden.json
"""

import json

from experiments.data import debian


TEXTS = (
    ("the cat sat on the mat", "a cat was sitting on the mat"),
    ("Relational databases, conditionally replicated!", "replicates relations"),
    ("state-of-the-art GNU/Linux 3.14 tools", "tool: the state of the art (GNU)"),
    ("the the the the", "the cat"),
    ("police killed the gunman", "the gunman killed police"),
    ("naïve café", "naive cafe"),
    ("我爱学习", "我爱学习"),
    ("", "something"),
    ("something", ""),
    ("--- !!!", "..."),
    ("w1 w2 w3 w4 w5", "w1 w2 w6 w7 w8\nw1 w3 w8 w9 w5"),
    ("a b c a b\n\nd c b a", "a a b c\nc d d\nb c a b"),
    ("x y z\nx y\nz", "z x y\n...\nx y z x"),
)
WORDS = (
    "caresses ponies ties caress cats feed agreed plastered bled motoring sing "
    "conflated troubled sized hopping tanned falling hissing fizzed failing filing "
    "happy sky skies enjoy relational conditional rational valenci hesitanci "
    "digitizer conformably radically differently vilely analogously vietnamization "
    "predication operator feudalism decisiveness hopefulness callousness formality "
    "sensitivity sensibility triplicate formative formalize electricity electrical "
    "hopeful goodness revival allowance inference airliner gyroscopic adjustable "
    "defensible irritant replacement adjustment dependent adoption communism "
    "activate angularity homologous effective bowdlerize probate rate cease "
    "controll roll dies died spied flies dying news innings archaeology geology "
    "theological carefully naturally probabilistically fly try yyyy toy syzygy oed "
    "ied y by is ion onion visions proceed exceeding e2fsprogs x86 as"
).split()
TYPES = {
    "ROUGE-1": "rouge1",
    "ROUGE-2": "rouge2",
    "ROUGE-L": "rougeL",
    "ROUGE-Lsum": "rougeLsum",
}


def lead(num_words):
    """The test split's summaries, and the first words of its documents."""
    pairs = debian.load("test")
    hypotheses = [" ".join(pair.document.split()[:num_words]) for pair in pairs]
    return hypotheses, [pair.summary for pair in pairs]


def main():
    from nltk.stem.porter import PorterStemmer
    from rouge_score.rouge_scorer import RougeScorer

    stem = PorterStemmer().stem
    found = {"stems": {word: stem(word) for word in WORDS}}
    for name, use_stemmer in (("porter", True), ("none", False)):
        scorer = RougeScorer([*TYPES.values()], use_stemmer)
        scores = [scorer.score(reference, text) for text, reference in TEXTS]
        shipped = [scorer.score(r, h) for h, r in zip(*lead(8), strict=True)]
        found[name] = {
            "texts": {
                ours: [s[theirs] for s in scores] for ours, theirs in TYPES.items()
            },
            "sum over lead-8": {
                ours: [
                    sum(column) for column in zip(*(s[t] for s in shipped), strict=True)
                ]
                for ours, t in TYPES.items()
            },
        }
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
