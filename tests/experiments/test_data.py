import gzip
import json
import lzma
import subprocess
import sys

import pytest

from experiments.data import apt_index, build_debian, debian
from experiments.data.build_debian import Row
from jaxseq.text.files import CorpusError


DESCRIPTION = "A program that reads measurements and draws them as coloured maps."


def item(package, source=None, synopsis="draws measurements", body=DESCRIPTION):
    return apt_index.Description(package, source or package, synopsis, body)


def test_load_gives_the_documented_splits():
    rows = {split: debian.load(split) for split in debian.SPLITS}
    assert {s: len(r) for s, r in rows.items()} == {
        "train": 36_014,
        "valid": 1_646,
        "test": 1_543,
    }
    pairs = [(split, *pair) for split in rows for pair in rows[split]]
    assert len({package for *_, package, _ in pairs}) == len(pairs)
    assert all(build_debian.split_of(source) == split for split, *_, source in pairs)
    assert rows["test"] == sorted(rows["test"], key=lambda pair: pair.package)
    assert rows["test"][0].summary == "Real-time strategy game of ancient warfare"


def test_load_returns_rows_that_the_rules_let_pass():
    kept = 0
    for split in debian.SPLITS:
        for pair in debian.load(split):
            row = Row(split, pair.package, pair.source, pair.document, pair.summary)
            kept += build_debian.unfit(row) is None
    assert kept == 39_192  # of 39,203: see README.md on the other 11


def test_load_rejects_a_split_that_is_none():
    with pytest.raises(ValueError, match="split must be one of .*, got 'dev'"):
        debian.load("dev")


def test_load_rejects_a_damaged_or_missing_file_in_one_line(tmp_path, monkeypatch):
    data = bytearray(debian.path().read_bytes())
    data[len(data) // 2] ^= 1
    path = tmp_path / "debian.jsonl.xz"
    path.write_bytes(data)
    monkeypatch.setattr(debian, "path", lambda: path)
    with pytest.raises(CorpusError, match="is damaged: .*SHA-256") as caught:
        debian.load("test")
    assert "\n" not in str(caught.value)
    path.unlink()
    with pytest.raises(CorpusError, match="is not there.*with an installed"):
        debian.load("test")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("One line.", "One line."),
        ("Two\nlines  here.", "Two lines here."),
        ("First.\n.\nSecond.", "First."),
        ("First:\n * a list", "First:"),
        ("", ""),
        (".\nOnly later.", ""),
    ],
)
def test_paragraph_ends_at_a_blank_or_indented_line(body, expected):
    assert build_debian.paragraph(body) == expected


LONG = (
    "This sentence has more than one hundred and thirty characters, " + "x" * 70 + "."
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Short enough sentence. Another short sentence. A third sentence.", 46),
        (LONG + " Another.", len(LONG)),
        ("It reads files, e.g. PDF. Then it writes others, etc. All of it.", 64),
        ("No frills. No gimmicks. It is a plain face for code. Next one.", 52),
        ("Written for the DNA. The next one is 20 long. Then it ends here.", 64),
        ("A text without any end", 22),
    ],
)
def test_opening_takes_one_or_two_sentences(text, expected):
    assert build_debian.opening(text) == text[:expected]


def test_split_of_keeps_families_together():
    families = [
        ("gcc-12", "gcc-13", "gcc"),
        ("libfoo", "python-foo", "python3-foo", "golang-foo", "r-cran-foo", "foo2"),
        ("php8.2", "php8.3"),
        ("llvm-toolchain-14", "llvm-toolchain-15"),
    ]
    for family in families:
        assert len({build_debian.split_of(source) for source in family}) == 1
    splits = [
        build_debian.split_of(f"{a}{b}{c}")
        for a in "bcdf"
        for b in "aeiou"
        for c in map(chr, range(97, 123))
    ]
    assert 0.02 < splits.count("test") / len(splits) < 0.07
    assert 0.02 < splits.count("valid") / len(splits) < 0.07


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, "pairs"),
        ({"synopsis": "transitional package for maps"}, "transitional, meta or debug"),
        ({"synopsis": "maps (metapackage)"}, "transitional, meta or debug"),
        ({"synopsis": "maps - debug symbols"}, "transitional, meta or debug"),
        (
            {"body": "This metapackage for the Rust debcargo draws measurements now."},
            "transitional, meta or debug",
        ),
        ({"package": "gcc-12-aarch64-linux-gnu"}, "cross toolchain"),
        ({"package": "libgcc-s1-arm64-cross"}, "cross toolchain"),
        (
            {
                "body": "This package contains the development files of the thing that "
                "draws measurements."
            },
            "boilerplate",
        ),
        ({"body": "It draws measurements."}, "length"),
        ({"body": "It draws measurements " + "very " * 100 + "well"}, "length"),
        ({"synopsis": "measurements drawn"}, "length"),
        ({"synopsis": "measurements " + "very " * 20}, "length"),
        ({"synopsis": "a tool for the job"}, "no shared word"),
        (
            {
                "synopsis": "and them as a car",
                "body": DESCRIPTION.replace("them", "all"),
            },
            "no shared word",
        ),
    ],
)
def test_build_drops_what_breaks_a_rule(changes, reason):
    arguments = {"package": "carto", "synopsis": "draws measurements as maps"}
    _, reasons = build_debian.build([item(**(arguments | changes))])
    assert reasons == {reason: 1}


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        ({"synopsis": "other measurements of maps"}, "same document"),
        (
            {
                "synopsis": "draws measurements as maps - plugins",
                "body": "Plugins with which the program also draws measurements.",
            },
            "same synopsis head",
        ),
        (
            {
                "source": "other",
                "synopsis": "Draws measurements  as maps",
                "body": "Another program that also draws measurements of all the ice.",
            },
            "same synopsis",
        ),
    ],
)
def test_build_drops_repetitions_of_the_shorter_name(second, reason):
    one = item("carto", synopsis="draws measurements as maps")
    two = item(**({"package": "a-carto-plugin", "source": "carto"} | second))
    for order in ([one, two], [two, one]):
        rows, reasons = build_debian.build(order)
        assert [row.package for row in rows] == ["carto"]
        assert reasons == {"pairs": 1, reason: 1}


def test_build_takes_a_package_from_the_first_index_that_has_it():
    new = item("carto", synopsis="draws new measurements")
    old = item("carto", synopsis="draws old measurements")
    rows, reasons = build_debian.build([new, old])
    assert [row.summary for row in rows] == ["draws new measurements"]
    assert reasons == {"pairs": 1}


PACKAGES = """\
Package: libcarto1
Source: carto (1.2-3)
Version: 1.2-3+b1
Description: draws measurements as maps
Description-md5: 0123
Tag: role::shared-lib,
 made-of::bytes
Filename: pool/main/c/carto/libcarto1.deb

Package: inline
Description: says  everything measured inline
 This description is in the Packages file: everything is said inline.
 .
 Second paragraph.
Filename: pool/main/i/inline/inline.deb
"""
TRANSLATION = """\
Package: libcarto1
Description-md5: 0123
Description-en: draws measurements as maps
 A program that reads measurements
 and draws them as coloured maps.
 .
 It is fast.

Package: libcarto1
Description-md5: 9999
Description-en: another version
 Other text.
"""


def test_main_reads_index_files_and_writes_the_same_bytes_again(tmp_path, capsys):
    packages, translation = tmp_path / "Packages.gz", tmp_path / "Translation-en.xz"
    packages.write_bytes(gzip.compress(PACKAGES.encode()))
    translation.write_bytes(lzma.compress(TRANSLATION.encode()))
    outs = [tmp_path / "1.jsonl.xz", tmp_path / "2.jsonl.xz"]
    build_debian.main([str(p) for p in (outs[0], packages, translation)])
    build_debian.main([str(p) for p in (outs[1], translation, packages)])
    assert outs[0].read_bytes() == outs[1].read_bytes()
    rows = [Row(**json.loads(line)) for line in lzma.open(outs[0], "rt")]
    assert rows == [
        Row(
            build_debian.split_of("inline"),
            "inline",
            "inline",
            "This description is in the Packages file: everything is said inline.",
            "says everything measured inline",
        ),
        Row(
            build_debian.split_of("carto"),
            "libcarto1",
            "carto",
            DESCRIPTION,
            "draws measurements as maps",
        ),
    ]
    assert "2 pairs" in capsys.readouterr().out


def test_main_rejects_a_file_that_is_no_index_in_one_line(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("Dear diary\n")
    command = [sys.executable, "-m", "experiments.data.build_debian"]
    done = subprocess.run(
        [*command, str(tmp_path / "out.xz"), str(path)],
        capture_output=True,
        text=True,
        cwd=debian.path().parents[2],
    )
    assert done.returncode == 1
    assert done.stderr == (
        f"build_debian: {path}: neither a Packages nor a Translation-en file\n"
    )
    assert not (tmp_path / "out.xz").exists()
