"""What the summarizer's command line means: models, searches, choices."""

import dataclasses
import typing
from pathlib import Path

import pytest

from experiments import summarize_config, summarize_models
from experiments.summarize_config import TOKENIZERS, Config
from jaxseq.summarize import beam, risk
from jaxseq.text.vocab import BOS, UNK


def test_the_settings_are_those_of_the_config():
    config = Config(seed=7, dropout=0.1, num_shards=1)
    setting = summarize_config.make_setting(config)
    assert (setting.seed, setting.dropout, setting.num_shards) == (7, 0.1, 1)
    names = {field.name for field in dataclasses.fields(Config)}
    assert set(setting._fields) <= names
    assert typing.get_args(summarize_config.TokenName) == tuple(TOKENIZERS)


def test_two_files_are_tokenized_by_custom():
    one, two = (Path("a.article.txt"),), (Path("a.article.txt"), Path("a.title.txt"))
    assert (Config().tokens, Config(pairs=one).tokens) == ("words", "words")
    assert Config(pairs=two).tokens == "spaces"
    assert Config(pairs=two, tokens="words").tokens == "words"


def test_what_has_no_loop_over_time_is_trained_on_one_device():
    shards = {
        name: Config(architecture=name).num_shards
        for name in summarize_models.ARCHITECTURES
    }
    two = ("copy", "ras_lstm", "ras_elman", "ras_lstm_without_attention")
    assert {name for name, num in shards.items() if num == 2} == set(two)
    assert set(shards.values()) == {1, 2}
    assert Config(architecture="abs", num_shards=2).num_shards == 2
    assert Config(num_shards=1).num_shards == 1


def test_every_architecture_can_be_made():
    names = typing.get_args(summarize_config.ArchitectureName)
    assert tuple(summarize_models.ARCHITECTURES) == names
    made = [summarize_models.make(Config(architecture=n), 9) for n in names]
    assert len(set(made)) == len(names)
    assert made == [summarize_models.make(Config(architecture=n), 9) for n in names]


@pytest.mark.parametrize("name", summarize_models.ARCHITECTURES)
def test_a_model_says_all_that_it_is_made_of(name):
    config = Config(architecture=name)
    made = summarize_models.make(config, 9)
    for field in dataclasses.fields(Config):
        value = getattr(config, field.name)
        if type(value) is not int:
            continue
        # Twice, as some must be a multiple of others.
        try:
            other = dataclasses.replace(config, **{field.name: 2 * value + 2})
        except ValueError:  # 1 alone makes sense
            continue
        if summarize_models.make(other, 9) is not made:
            assert field.name in summarize_config.model_settings(config)


def test_the_choice_knows_how_the_search_ranks():
    config = Config(sharpness=0.7, length_norm=0.3)
    assert summarize_config.make_choice(config) is risk.least(0.7, 0.3)
    assert summarize_config.make_options(config).length_norm == 0.3
    best = dataclasses.replace(config, sharpness=None)
    assert summarize_config.make_choice(best) is beam.best


def test_coverage_comes_in_the_last_epochs():
    def ends(**more):
        config = Config(num_epochs=8, **more)
        return [phase.end for phase in summarize_models.phases(config, 9)]

    assert ends() == [8]
    assert ends(coverage_weight=1.0) == [6, 8]
    assert ends(coverage_weight=1.0, coverage_share=0.01) == [7, 8]
    assert ends(coverage_weight=1.0, coverage_share=1.0) == [8]
    plain, covering = summarize_models.phases(Config(coverage_weight=0.5), 9)
    assert plain.model is summarize_models.make(Config(), 9)
    assert covering.model is not plain.model


def test_who_attends_and_does_not_copy_may_write_unknown_words():
    """For which a word of the document comes: of the others nothing can say which."""
    names = typing.get_args(summarize_config.ArchitectureName)
    forbidden = {
        name: summarize_config.make_options(Config(architecture=name)).forbidden
        for name in names
    }
    assert all(BOS in each for each in forbidden.values())
    may = {name for name in names if UNK not in forbidden[name]}
    assert may == {"abs", "abs_plus", "ras_lstm", "ras_elman"}


def test_attention_may_be_meant_as_far_as_a_model_smooths():
    wide = {
        name: summarize_config.attended_radius(Config(architecture=name, radius=3))
        for name in ("abs", "abs_plus", "ras_lstm", "ras_elman", "copy")
    }
    wanted = {"abs": 3, "abs_plus": 3, "ras_lstm": 2, "ras_elman": 2, "copy": 0}
    assert wide == wanted
