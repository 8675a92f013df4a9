"""What the summarizer's report counts: ROUGE beside leads, attention, repeats."""

import numpy as np
import pytest

from experiments import summarize_corpus, summarize_report
from experiments.summarize_config import TOKENIZERS, Config, TokenName
from experiments.summarize_corpus import Corpus, Part
from jaxseq.summarize import rouge
from jaxseq.summarize.pairs import Pair
from jaxseq.summarize.summarizer import Summary
from jaxseq.text import vocab


def part_of(pairs, tokens: TokenName = "words"):
    split = TOKENIZERS[tokens].split
    return Part(
        pairs, [split(p.document) for p in pairs], [split(p.summary) for p in pairs]
    )


def scoring(*parts, tokens: TokenName = "words"):
    """That of a corpus whose last part is tested on, or of one part for all."""
    train, valid, test = parts if len(parts) == 3 else parts * 3
    known = vocab.build(train.documents)
    corpus = Corpus("pairs", known, train, valid, test, 0)
    return summarize_report.scoring(Config(tokens=tokens), corpus)


def test_attention_is_counted_where_the_written_word_is():
    documents = [["a", "b", "a", "c"], ["d", "e"]]
    test = summarize_corpus.Part(
        pairs=[Pair(" ".join(words), "x") for words in documents],
        documents=documents,
        summaries=[["x"], ["x"]],
    )
    weights = np.array([[0.1, 0.2, 0.7, 0], [0.5, 0.1, 0.2, 0.2], [1, 0, 0, 0]])
    summaries = [
        Summary(["a", "b", "z"], [False] * 3, weights, num_read=4, num_left=0),
        Summary(["e"], [False], np.array([[0.9]]), num_read=1, num_left=1),
    ]
    # "a" is hit at its second place, "b" is missed; "z", the unread "e" do not count.
    found = summarize_report.attended(test, summaries)
    counts = {"num_words": 2, "radius": 0, "num_replaced": 0}
    assert found == counts | {"share": 0.5, "chance": 0.375}
    # One place beside it will do: "b" is at the second place, the maximum at the third.
    near = summarize_report.attended(test, summaries, 1)
    assert near == counts | {"share": 1, "chance": 0.875, "radius": 1}
    # A model without attention looks nowhere.
    blind = summaries[0]._replace(weights=np.zeros((3, 4)))
    assert summarize_report.attended(test, [blind, blind])["num_words"] == 0
    # The one that is drawn keeps its number as an example.
    twice, how = part_of(test.pairs[:1] * 2), scoring(test)
    found = summarize_report.alignments(twice, [blind, summaries[0]], [0, 1], how)
    assert [*found] == [2]
    silent = Summary([], [], np.zeros((0, 4)), num_read=4, num_left=0)
    nothing = summarize_report.attended(test, [silent, silent])
    assert nothing["num_words"] == 0


def test_words_taken_from_where_attention_is_are_no_hits_of_it():
    part = part_of([Pair("a b c", "x")])
    weights = np.array([[0.1, 0.2, 0.7], [0.6, 0.3, 0.1]])
    # "c" came in the place of UNK, "b" was written, with the maximum at "a".
    summary = Summary(["c", "b"], [True, False], weights, num_read=3, num_left=0)
    found = summarize_report.attended(part, [summary])
    assert found["share"] == 0
    assert (found["num_words"], found["num_replaced"]) == (1, 1)
    drawn = summarize_report.alignments(part, [summary], [0], scoring(part))
    assert drawn[1].is_replaced == (True, False)


def test_repeated_words_are_counted():
    def summary(*words):
        return Summary(list(words), [False] * len(words), np.zeros((0, 0)), 1, 0)

    found = summarize_report.repeated([summary("a", "b", "a", "a"), summary("a")])
    assert found == {"num_words": 5, "share": 0.4}
    assert summarize_report.repeated([summary()]) == {"num_words": 0, "share": 0.0}


def test_measure_compares_with_the_leads():
    pairs = [Pair(f"the {n} cat sat on a mat here", f"{n} cat") for n in range(40)]
    part = part_of(pairs)
    how = scoring(part)
    assert summarize_report.best_lead(part, 8, how) == min(summarize_report.LEADS)
    summaries = [p.summary for p in pairs]
    empty = {"none": [""] * len(pairs)}
    measured = summarize_report.measure(part, "copy", summaries, 6, how, empty)
    assert measured["over"]["none"]["ROUGE-L"]["low"] == pytest.approx(100)
    assert summarize_report.rouge_l(part, summaries, how) == pytest.approx(100)
    points = measured["systems"]
    assert points["copy"]["ROUGE-L"] == 100
    # Two words of six, both of the summary's: F = 2 (1/3) / (4/3).
    assert points["lead-6 (best)"]["ROUGE-L"] == pytest.approx(50, abs=1e-3)
    over = measured["over_best_lead"]["ROUGE-L"]
    assert (over["mean"], over["low"], over["high"]) == pytest.approx((50, 50, 50))
    printed = summarize_report.table(measured)
    assert "ROUGE-L.f|n:40" in printed
    assert "the best lead: +50.00 to +50.00" in printed
    assert "none: +100.00 to +100.00\n" in printed
    few = part_of(pairs[:29])
    measured = summarize_report.measure(few, "copy", summaries[:29], 6, how)
    printed = summarize_report.table(measured)
    assert "the best lead: +50.00 to +50.00 (n = 29: too few)\n" in printed


def test_a_lead_may_be_as_long_as_a_summary():
    words = " ".join(f"w{n}" for n in range(30))
    part = part_of([Pair(words, words)])
    how = scoring(part)
    assert summarize_report.best_lead(part, 20, how) == 20
    assert summarize_report.best_lead(part, 8, how) == 14


CHINESE = [Pair(f"猫{n}坐在垫上面", f"猫{n}") for n in "一二三"]


def test_chinese_is_measured_by_its_characters():
    part = part_of(CHINESE, "characters")
    how = scoring(part, tokens="characters")
    assert summarize_report.best_lead(part, 8, how) == min(summarize_report.LEADS)
    summaries = [p.summary for p in CHINESE]
    assert summarize_report.rouge_l(part, summaries, how) == pytest.approx(100)
    measured = summarize_report.measure(part, "copy", summaries, 6, how)
    assert measured["systems"]["copy"]["ROUGE-L"] == 100
    assert measured["systems"]["lead-6 (best)"]["ROUGE-L"] == pytest.approx(50)
    assert "tok:any_script" in measured["signature"]


def test_leads_are_joined_as_summaries_are():
    words = ["the", "cat"] * 3
    spelt = Pair("the cat sat", "the cat")
    part = part_of([spelt], "characters")
    how = scoring(part, tokens="characters")
    assert summarize_report.leads(part, 7, how) == ["the cat"]
    measured = summarize_report.measure(part, "copy", ["the cat"], 7, how)
    assert measured["systems"]["lead-7 (best)"] == measured["systems"]["copy"]
    # By words, a space stands between any two.
    spaced = Part([spelt], [words], [["the", "cat"]])
    assert summarize_report.leads(spaced, 3, scoring(part)) == ["the cat the"]


def test_one_tokenizer_is_chosen_for_a_run_by_the_letters_that_english_would_lose():
    def name(*texts):
        parts = [part_of([Pair("a", text)] * 2) for text in texts]
        return scoring(*parts).settings.tokenizer.name

    english, chinese = "the cat no7 sat", "猫坐 GNOME 垫"
    assert name(english) == name("a naïve coöperation of cats") == "rouge_score"
    # A Latin word in each summary, and 3 of 8 letters are lost.
    assert name(chinese) == "any_script"
    # A summary without a letter of English changes nothing for the others.
    assert name(english * 3, "猫", english * 3) == "rouge_score"
    # The same for all parts, whichever of them is of another script.
    assert name(chinese * 9, english, english) == "any_script"
    assert name("...") == "rouge_score"


def test_a_placeholder_that_is_written_is_no_hit():
    part = part_of([Pair("a b", "<unk> word unk")])
    how = scoring(part)
    assert "unk:miss" in rouge.signature(
        rouge.evaluate(["x"], [["x"]], how.settings), "ROUGE-L", "f"
    )
    assert summarize_report.rouge_l(part, ["unk <unk> unk"], how) == 0
    assert summarize_report.rouge_l(part, ["word"], how) > 0


def test_the_line_on_attention_says_whose_it_is():
    found = {"num_words": 2000, "share": 0.5, "chance": 0.25}
    found |= {"radius": 2, "num_replaced": 3}
    line = summarize_report.attention_line("abs", found)
    assert line.startswith("abs: of 2,000 written words")
    assert ".500" in line
    assert line.endswith("\n")
    assert summarize_report.attention_line("abs", found | {"num_words": 0}) == ""


def test_what_is_cut_is_counted():
    part = part_of([Pair("a b c", "a b"), Pair("a b", "a"), Pair("a b c d", "a b c")])
    config = Config(max_words=2, max_targets=2)
    known = vocab.build(part.documents)
    ends = [
        each.targets[-1] == vocab.EOS
        for each in summarize_corpus.encode(config, known, part)
    ]
    assert summarize_corpus.num_cut(config, part) == (2, ends.count(False)) == (2, 2)
