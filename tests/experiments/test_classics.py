"""The classics at the smallest size: they run, write what they say, refuse nonsense."""

import dataclasses
import importlib
import json
import re
import types
from pathlib import Path

import jax
import pytest

from experiments.classics import __main__ as classics, claims, modern_hopfield, page


TINY = {
    "elman_classes": {"num_seeds": 1, "num_sentences": 400, "num_passes": 1},
    "elman_letters": {"num_seeds": 1, "num_consonants": 30, "num_passes": 1},
    "elman_words": {"num_seeds": 1, "num_sentences": 5, "num_passes": 1},
    "elman_xor": {"num_seeds": 2, "num_bits": 60, "num_passes": 1},
    "exploding_gradients": {"lengths": [10], "num_seeds": 1, "num_updates": 1},
    "hopfield_capacity": {"num_networks": 2, "num_large": 1},
    "hopfield_picture": {"num_copies": 2},
    "jordan_cycle": {"num_seeds": 1, "num_steps": 10, "num_starts": 1},
    "jordan_sequences": {"num_seeds": 1, "num_steps": 10},
    "lstm_adding": {"num_seeds": 1, "max_sequences": 1},
    "lstm_long_lag": {"lags": [2, 3], "num_seeds": 1, "max_sequences": 1},
    "lstm_reber": {"num_seeds": 1, "num_strings": 1},
    "lstm_reber_stream": {"num_seeds": 1, "num_symbols": 1_000, "num_test": 1_200},
    "lstm_temporal_order": {"num_seeds": 1, "max_sequences": 1},
    "modern_hopfield": {"num_patterns": 3},
    "vanishing_gradients": {"num_networks": 1, "num_hidden": 2, "num_steps": 60},
}
SLOW = (
    "elman_classes",
    "exploding_gradients",
    "hopfield_capacity",
    "jordan_cycle",
    "jordan_sequences",
    "lstm_adding",
    "lstm_long_lag",
    "lstm_reber",
    "lstm_reber_stream",
    "lstm_temporal_order",
    "vanishing_gradients",
)
every_classic = pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow if name in SLOW else ())
        for name in TINY
    ],
)


@every_classic
def test_run_writes_numbers_and_figures(name, tmp_path, capsys):
    module = importlib.import_module(f"experiments.classics.{name}")
    config = module.Config(**TINY[name], out=tmp_path)
    # Optax's Adam divides by a count of steps, an integer.
    has_adam = name.startswith(("lstm_reber", "lstm_long_lag"))
    promotion = "standard" if has_adam else "strict"
    with jax.numpy_dtype_promotion(promotion):
        result = claims.run(name, config, module.train, module.draw)
    folder = tmp_path / "classics" / name
    written = json.loads((folder / "result.json").read_text("utf-8"))
    assert written["config"].items() >= TINY[name].items()
    assert written["claims"] == json.loads(json.dumps(result["claims"]))
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        ["result.json", *written["figures"]]
    )
    assert written["figures"]
    printed = capsys.readouterr().out
    assert all(claim["what"] in printed for claim in result["claims"])


@pytest.mark.parametrize(
    ("name", "args", "message"),
    [
        ("elman_classes", ["--num-sentences", "9"], "--num-sentences: expected 200 or"),
        ("elman_xor", ["--rate", "nan"], "--rate: expected a finite number of 0 or"),
        ("elman_xor", ["--bound", "-1"], "--bound: expected a finite number of 0 or"),
        (
            "exploding_gradients",
            ["--lengths", "9"],
            "--lengths: expected numbers of 10",
        ),
        ("lstm_long_lag", ["--lags", "0"], "--lags: expected numbers of 1 or more"),
        ("lstm_reber_stream", ["--num-symbols", "9"], "--num-symbols: expected 1000"),
        ("lstm_reber_stream", ["--num-test", "9"], "--num-test: expected 1200 or more"),
        ("vanishing_gradients", ["--num-steps", "9"], "--num-steps: expected 20 or"),
        ("hopfield_picture", ["--noise", "0.5"], "--noise: expected 0 to 0.5, got 0.5"),
        ("modern_hopfield", ["--num-patterns", "1"], "--num-patterns: expected 2 or"),
    ],
)
def test_options_that_make_no_sense_end_in_one_line(name, args, message, capsys):
    module = importlib.import_module(f"experiments.classics.{name}")
    with pytest.raises(SystemExit) as stop:
        module.main(args)
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("name", TINY)
def test_every_count_is_one_or_more_and_no_seed_negative(name, capsys):
    module = importlib.import_module(f"experiments.classics.{name}")
    for field in dataclasses.fields(module.Config):
        if field.type not in (int, "int"):
            continue
        wrong = "-1" if field.name == "seed" else "0"
        option = "--" + field.name.replace("_", "-")
        with pytest.raises(SystemExit) as stop:
            module.main([option, wrong])
        assert stop.value.code == 2
        error = capsys.readouterr().err
        assert f"{option}: expected " in error
        assert f"or more, got {wrong}" in error
        assert error.count("\n") == 1


def test_claims_hold_at_their_bounds_and_not_beyond():
    assert claims.between("a", "-", 1.0, 1.0, 2.0).holds
    assert not claims.between("a", "-", 1.0, 2.01, 2.0).holds
    assert not claims.between("a", "-", 1.0, float("nan"), 2.0).holds
    assert claims.at_least("a", "-", 1.0, 1.0).holds
    assert not claims.at_least("a", "-", 1.0, 0.99).holds
    assert claims.at_most("a", "-", 1.0, 1.0).holds
    assert not claims.at_most("a", "-", 1.0, float("nan")).holds
    assert claims.reported("a", "-", 1.0).holds is None


def test_table_marks_what_is_missed_and_nothing_else():
    listed = [
        claims.at_least("first", ".5", 1.0, 0.2),
        claims.at_least("second", "-", 1.0, 1234.0),
        claims.reported("third", "-", 0.0),
    ]
    lines = claims.table([claim._asdict() for claim in listed]).splitlines()
    assert [line.endswith("MISSED") for line in lines] == [False, True, False, False]
    assert "1,234" in lines[2]


def test_page_shows_every_figure_and_every_number(tmp_path):
    result = {
        "name": "some",
        "config": {"seed": 3},
        "seconds": 1.5,
        "figures": ["one.png", "two.png"],
        "claims": [
            claims.at_least("a < b", ".5", 1.0, 0.2)._asdict(),
            claims.at_least("c", "-", 1.0, 2.0)._asdict(),
            claims.reported("d", "-", 0.125)._asdict(),
        ],
    }
    about = "Title & more.\n\nPaper: <what> it\nsays.\n\n    y < x  (1)\n    as is\n"
    text = page.write(tmp_path / "index.html", [result], [about]).read_text("utf-8")
    assert '<img src="some/one.png"' in text
    assert '<img src="some/two.png"' in text
    assert '<h2 id="some">Title &amp; more</h2>' in text
    assert "<p>Paper: &lt;what&gt; it\nsays.</p>" in text
    assert "<pre>    y &lt; x  (1)\n    as is</pre>" in text
    assert "a &lt; b" in text
    assert "1 of 2 statements hold." in text
    assert text.count('class="missed"') == 1
    assert "0.125" in text


def test_main_goes_on_after_a_failure(tmp_path, monkeypatch, capsys):
    def fail(config):
        raise RuntimeError("out of luck")

    broken = types.SimpleNamespace(
        **vars(modern_hopfield) | {"train": fail, "__name__": "a.broken"}
    )
    monkeypatch.setattr(classics, "EXPERIMENTS", (broken, modern_hopfield))
    with pytest.raises(SystemExit, match="^failed: broken$"):
        classics.main(["--out", str(tmp_path)])
    assert "out of luck" in capsys.readouterr().err
    index = (tmp_path / "classics" / "index.html").read_text("utf-8")
    assert "modern_hopfield/retrieval.png" in index


def test_every_experiment_has_a_row_in_the_table_and_says_what_came():
    readme = (Path(claims.__file__).parents[1] / "README.md").read_text("utf-8")
    for module in classics.EXPERIMENTS:
        name = module.__name__.rpartition(".")[2]
        assert f"| `{name}` |" in readme
        about = " ".join(module.__doc__.split())
        assert f"python -m {module.__name__} --out out" in about
        assert re.search(r"Ours, in (\d+ s|\d+ min): ", about), name


def test_every_experiment_is_run_and_tested():
    folder = Path(claims.__file__).parent
    with_train = {
        path.stem for path in folder.glob("*.py") if "\ndef train(" in path.read_text()
    }
    run = {module.__name__.rpartition(".")[2] for module in classics.EXPERIMENTS}
    assert run == with_train == set(TINY)
    for module in classics.EXPERIMENTS:
        assert isinstance(module.REDUCED, module.Config)
