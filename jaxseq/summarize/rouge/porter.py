"""Porter's stemmer (1980), as NLTK extends it by default and rouge_score uses it.

A letter is a vowel if it is one of a, e, i, o, u, or a y after a consonant. Every word
is [C](VC)^m[V], C and V being runs of consonants and of vowels; m is its measure:

    m("tree") = 0,  m("trouble") = 1,  m("troubles") = 2                            (1)

Each step takes off or replaces the first suffix of its list that the word ends in, if
what stays in front of it has the measure that the step asks for; a longer suffix stands
before a shorter one that it ends in, and takes the word even if its stem is too short.

Reference: Porter, An algorithm for suffix stripping, Program 14(3), 1980. Departures,
which are those of `nltk.stem.PorterStemmer()` in version 3.10: words of one or two
letters and a table of irregular forms are left out of the rules; -ies and -ied of four
letters give -ie (dies, die), longer -ied gives -i (spied, spi); y becomes i after a
consonant only (happy, happi, but enjoy); a vowel and a consonant alone count as *o;
-bli stands for -abli; -alli comes first, and then its step once more; -fulli and -logi
are added.

Lin's script of 2004 has another Porter: its words differ from these in rare cases.
"""

import functools


_IRREGULAR = {
    **dict.fromkeys(("sky", "skies"), "sky"),
    "dying": "die",
    "lying": "lie",
    "tying": "tie",
    "news": "news",
    **dict.fromkeys(("innings", "inning"), "inning"),
    **dict.fromkeys(("outings", "outing"), "outing"),
    **dict.fromkeys(("cannings", "canning"), "canning"),
    **{word: word for word in ("howe", "proceed", "exceed", "succeed")},
}

_STEP_1A = {"sses": "ss", "ies": "i", "ss": "ss", "s": ""}
_STEP_2 = {
    "ational": "ate",
    "tional": "tion",
    "enci": "ence",
    "anci": "ance",
    "izer": "ize",
    "bli": "ble",
    "alli": "al",
    "entli": "ent",
    "eli": "e",
    "ousli": "ous",
    "ization": "ize",
    "ation": "ate",
    "ator": "ate",
    "alism": "al",
    "iveness": "ive",
    "fulness": "ful",
    "ousness": "ous",
    "aliti": "al",
    "iviti": "ive",
    "biliti": "ble",
    "fulli": "ful",
}
_STEP_3 = {
    "icate": "ic",
    "ative": "",
    "alize": "al",
    "iciti": "ic",
    "ical": "ic",
    "ful": "",
    "ness": "",
}
_STEP_4: dict[str, str] = dict.fromkeys(
    "al ance ence er ic able ible ant ement ment ent ou ism ate iti ous ive "
    "ize".split(),
    "",
)


@functools.lru_cache(2**16)
def stem(word: str) -> str:
    """The stem of an English word.

        >>> stem("relational"), stem("flies"), stem("dies")
        ('relat', 'fli', 'die')

    Args:
        word: in lower case; what is neither a vowel nor y counts as a consonant.

    Returns:
        The stem, which need not be a word; never empty if the word is not.
    """
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) <= 2:
        return word
    for step in (_plural, _past, _y, _double_suffix, _step_3, _step_4, _e, _ll):
        word = step(word)
    return word


def _plural(word: str) -> str:
    """Step 1a: cats -> cat."""
    if len(word) == 4 and word.endswith("ies"):
        return word[:-1]
    return _replaced(word, _STEP_1A, least=0)


def _past(word: str) -> str:
    """Step 1b: plastered -> plaster, and an e or one letter of two put right."""
    if word.endswith("ied"):
        return word[:-1] if len(word) == 4 else word[:-2]
    if word.endswith("eed"):
        return word[:-1] if _measure(word[:-3]) > 0 else word
    for suffix in ("ed", "ing"):
        if word.endswith(suffix) and "v" in _shape(word.removesuffix(suffix)):
            return _mended(word.removesuffix(suffix))
    return word


def _mended(word: str) -> str:
    if word.endswith(("at", "bl", "iz")):
        return word + "e"
    shape = _shape(word)
    if len(word) >= 2 and word[-1] == word[-2] and shape[-1] == "c":
        return word if word[-1] in "lsz" else word[:-1]
    return word + "e" if shape.count("vc") == 1 and _is_short(word, shape) else word


def _y(word: str) -> str:
    """Step 1c: happy -> happi."""
    is_after_consonant = len(word) > 2 and _shape(word)[-2] == "c"
    return word[:-1] + "i" if word.endswith("y") and is_after_consonant else word


def _double_suffix(word: str) -> str:
    """Step 2: relational -> relate."""
    if word.endswith("alli") and _measure(word[:-4]) > 0:
        return _double_suffix(word[:-2])
    if word.endswith("logi"):  # whose l is part of what is measured
        return word[:-1] if _measure(word[:-3]) > 0 else word
    return _replaced(word, _STEP_2, least=1)


def _step_3(word: str) -> str:
    """Step 3: triplicate -> triplic."""
    return _replaced(word, _STEP_3, least=1)


def _step_4(word: str) -> str:
    """Step 4: revival -> reviv."""
    if word.endswith("ion"):
        goes = word[:-3].endswith(("s", "t")) and _measure(word[:-3]) > 1
        return word[:-3] if goes else word
    return _replaced(word, _STEP_4, least=2)


def _e(word: str) -> str:
    """Step 5a: probate -> probat."""
    if not word.endswith("e"):
        return word
    shape = _shape(word[:-1])
    measure = shape.count("vc")
    goes = measure > 1 or (measure == 1 and not _is_short(word[:-1], shape))
    return word[:-1] if goes else word


def _ll(word: str) -> str:
    """Step 5b: controll -> control."""
    return word[:-1] if word.endswith("ll") and _measure(word[:-1]) > 1 else word


def _replaced(word: str, rules: dict[str, str], least: int) -> str:
    """Applies the first rule whose suffix the word has, if the measure is `least`."""
    for suffix, replacement in rules.items():
        if word.endswith(suffix):
            stem = word.removesuffix(suffix)
            return stem + replacement if _measure(stem) >= least else word
    return word


def _shape(word: str) -> str:
    """Writes "c" for each consonant and "v" for each vowel."""
    shape = ""
    for letter in word:
        after_consonant = shape.endswith("c")
        is_vowel = letter in "aeiou" or (letter == "y" and after_consonant)
        shape += "v" if is_vowel else "c"
    return shape


def _measure(word: str) -> int:
    return _shape(word).count("vc")  # (1)


def _is_short(word: str, shape: str) -> bool:
    """Porter's *o: ends in consonant, vowel, consonant, the last none of w, x, y."""
    return shape == "vc" or (shape.endswith("cvc") and word[-1] not in "wxy")
