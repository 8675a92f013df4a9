"""Ratios, goals and tables: their arithmetic, on made-up results."""

import pytest

from experiments.bench import goals, plots, ratios, report
from experiments.bench.problem import Point
from tests.experiments.bench.results_of import entry, record


SLOW = Point("lstm", 32, 256, 128, "float32")
SHORT = SLOW._replace(steps=32)


def goal(results, start):
    (found,) = [g for g in goals.judge(results) if g.text.startswith(start)]
    return found


def test_ratios_divide_by_jaxseq_in_the_same_form():
    before = entry("jaxseq, gru.reset_before", 5.0, "jaxseq, gru.reset_before")
    times = {
        "jaxseq": 4.0,
        "jaxseq, gru.reset_before": before,
        "flax-linen": 6.0,
        "haiku": entry("haiku", 10.0, "jaxseq, gru.reset_before"),
    }
    results = [record(times)]
    assert [r.value for r in ratios.ratios(results, "flax-linen", "lstm")] == [1.5]
    assert [r.value for r in ratios.ratios(results, "haiku", "lstm")] == [2.0]
    for base in ("jaxseq", "jaxseq, gru.reset_before"):
        assert ratios.ratios(results, base, "lstm") == []


def test_ratios_leave_out_who_was_not_timed():
    results = [
        record({"jaxseq": 4.0, "torch": {"form": "lstm", "missing": "no GPU"}}),
        record({"jaxseq": 4.0, "torch": 2.0}, SHORT),
    ]
    assert ratios.ratios(results, "torch", "lstm") == [(SHORT, 0.5)]


def test_geometric_mean_of_ratios():
    assert ratios.geometric_mean([0.5, 2.0]) == pytest.approx(1.0)
    assert ratios.geometric_mean([1.0, 4.0, 2.0]) == pytest.approx(2.0)


def test_percent_of_gemm_counts_the_textbooks_operations():
    # 0.3 GFLOP in 4 ms are 75 GFLOP/s.
    result = record({"jaxseq": 4.0}, gemm=150.0)
    assert ratios.gflops(result, "jaxseq") == pytest.approx(75.0)
    assert ratios.percent_of_gemm(result, "jaxseq") == pytest.approx(50.0)


def test_goals_are_judged_by_the_worst_point_and_the_mean():
    results = [
        record({"jaxseq": 4.0, "jaxseq-plain": 8.0, "flax-nnx": 3.6}),
        record({"jaxseq": 4.0, "jaxseq-plain": 8.0, "flax-nnx": 16.0}, SHORT),
    ]
    best = goal(results, "never under 0.95")
    assert best.is_reached is False
    assert best.found == "0.90 at lstm B 32 T 128 H 256; 1 of 2 points miss it"
    assert goal(results, "flax-nnx").found == "1.90 over 2 points"
    assert goal(results, "flax-nnx").is_reached
    assert goal(results, "jaxseq-plain").is_reached
    assert goal(results, "torch nn.LSTM, mean") == (
        "torch nn.LSTM, mean at least 1.0",
        "not measured",
        None,
    )


def test_goals_of_torch_have_a_floor():
    results = [
        record({"jaxseq": 4.0, "torch": 2.6}),
        record({"jaxseq": 4.0, "torch": 8.0}, SHORT),
    ]
    assert goal(results, "torch nn.LSTM, mean").is_reached
    assert goal(results, "torch nn.LSTM, no point").is_reached is False


def test_goals_of_costs():
    flax = entry("flax-linen", 9.0, temp=1800, output=400)
    plain = entry("jaxseq-plain", 9.0, compile_seconds=0.5)
    slow = entry("jaxseq", 4.0, compile_seconds=1.3)
    results = [
        record({"jaxseq": slow, "jaxseq-plain": plain, "flax-linen": flax}),
        record({"jaxseq": 4.0}, SHORT),
    ]
    assert goal(results, "memory").found.startswith("0.45 at")
    assert goal(results, "memory").is_reached
    assert goal(results, "compiles in").found.startswith("2.60 at")
    assert goal(results, "compiling flat").found.startswith("1.30 at")
    assert goal(results, "jaxseq-chunked: memory").is_reached is None
    # 0.3 GFLOP in 4 ms of 100 GFLOP/s.
    assert goal(results, "70 %").found.startswith("75 % at")
    assert goal(results, "70 %").is_reached


def test_goals_of_less_memory():
    flax = entry("flax-linen", 9.0, temp=1800, output=400)
    chunked = entry("jaxseq-chunked", 5.2, temp=300, output=400)
    results = [record({"jaxseq": 4.0, "jaxseq-chunked": chunked, "flax-linen": flax})]
    assert goal(results, "jaxseq-chunked: memory").found.startswith("0.32 at")
    assert goal(results, "jaxseq-chunked: at most 1.25").found.startswith("1.30 at")
    assert goal(results, "jaxseq-chunked: at most 1.25").is_reached is False
    assert goal(results, "jaxseq-states: at most 1.25").is_reached is None
    results = [record({"jaxseq": 4.0, "jaxseq-states": 4.8})]
    assert goal(results, "jaxseq-states: at most 1.25").found.startswith("1.20 at")
    assert goal(results, "jaxseq-states: at most 1.25").is_reached


def test_the_summary_names_who_is_not_counted():
    wrong = {"form": "elman relu", "error": 1e-3, "wrong": "ys off"}
    failed = {"form": "lstm", "failed": "ValueError: no"}
    results = [record({"jaxseq": 4.0, "haiku": wrong, "keras": failed})] * 2
    printed = report.summary(results)
    assert "not counted: haiku, lstm: wrong at 2 points" in printed
    assert "not counted: keras, lstm: failed at 2 points" in printed
    assert "not counted" not in report.summary([record({"jaxseq": 4.0})])


def test_compile_times_of_two_runs_are_not_compared():
    slow = entry("jaxseq", 4.0, compile_seconds=1.3)
    later = {"commit": {"commit": "def", "is_changed": False}}
    results = [record({"jaxseq": slow}), record({"jaxseq": 4.0}, SHORT, **later)]
    assert goal(results, "compiling flat").is_reached is None


def test_a_device_that_does_not_tell_its_memory_is_not_judged_by_it():
    flax = entry("flax-linen", 9.0)
    for cost in ("temp", "output"):
        del flax["backward"][cost]
    results = [record({"jaxseq": 4.0, "flax-linen": flax})]
    assert goal(results, "memory").is_reached is None


def test_table_names_everybody():
    times = {
        "jaxseq": 4.0,
        "flax-linen": 6.0,
        "keras": {"form": "lstm", "missing": "keras is not installed"},
        "torch": {"form": "lstm", "wrong": "d_W off by 3.0e-01, over 0.0001"},
        "haiku": {"form": "lstm", "failed": "TypeError: carry"},
    }
    text = report.table(record(times, busy=True))
    assert "keras: missing: keras is not installed" in text
    assert "torch: wrong numbers: d_W off by 3.0e-01" in text
    assert "haiku: failed: TypeError: carry" in text
    assert "BUSY" in text
    (line,) = [row for row in text.splitlines() if row.startswith("flax-linen")]
    cells = line.split()
    assert cells[1:8] == ["6.00", "5.40-7.20", "1.50", "2.40", "1.50", "50.0", "50"]
    assert max(map(len, text.splitlines())) <= report.WIDTH


def test_table_tells_the_passes_apart():
    torch = entry("torch", 8.0, temp=6_000_000, output=4_000_000)
    torch["forward"]["median"] = 0.8e-3  # half of jaxseq's
    text = report.table(record({"jaxseq": 4.0, "torch": torch}, gemm=150.0))
    (row,) = [line.split() for line in text.splitlines() if line.startswith("torch")]
    # 32 * 128 tokens, 0.3 GFLOP and 10 MB in 8 ms.
    times = ["8.00", "7.20-9.60", "2.00", "0.800", "0.50"]
    assert row == ["torch", *times, "37.5", "25", "512", "10.0", "1.00", "1e-07"]


def test_table_says_why_a_point_is_left_out():
    text = report.table(record({}, left_out="jaxseq takes 3.1 s, more than 2"))
    assert (
        text.strip()
        == f"{report.name(SLOW)}: left out, jaxseq takes 3.1 s, more than 2"
    )


def test_summary_gives_mean_smallest_and_largest():
    results = [
        record({"jaxseq": 4.0, "torch": 2.0}),
        record({"jaxseq": 4.0, "torch": 8.0}, SHORT, busy=True),
        record({}, SLOW._replace(hidden=512), left_out="too long"),
    ]
    text = report.summary(results)
    assert "2 points measured, 1 left out" in text
    assert "1 of them on a busy machine" in text
    assert "1.00 (0.50 - 2.00)" in text
    # The busy one does not count among the goals.
    assert "torch nn.LSTM, mean at least 1.0: 0.50 over 1 points" in text


def test_heading_warns_of_a_busy_machine():
    about = {key: record({})[key] for key in ("machine", "commit")}
    assert "BUSY" in report.heading(about, 0.6)
    assert "BUSY" not in report.heading(about, 0.97)
    assert "Test CPU, 2 cores" in report.heading(about, 0.97)


def test_heading_says_where_freed_memory_is_not_kept():
    about = record({"jaxseq": 1.0})
    assert "freed memory" not in report.heading(about, 0.97)
    about["machine"]["keeps_freed_memory"] = False
    assert "freed memory is not kept" in report.heading(about, 0.97)


def test_lines_fix_the_other_sizes_where_most_points_lie():
    results = [
        record({"jaxseq": 1.0}, SLOW._replace(steps=32, hidden=64)),
        record({"jaxseq": 8.0}, SLOW._replace(steps=512)),
        record({"jaxseq": 2.0, "torch": 1.0}, SLOW._replace(steps=128)),
    ]
    fixed, drawn = plots.lines(
        results, "steps", lambda r, n: 1e3 * r["contenders"][n]["backward"]["median"]
    )
    assert fixed == "H = 256, B = 32"
    assert [line.name for line in drawn] == ["jaxseq", "torch"]
    assert drawn[0].xs == [128, 512]
    assert drawn[0].ys == pytest.approx([2.0, 8.0])


def test_draw_writes_figures(tmp_path):
    results = [
        record({"jaxseq": 4.0, "torch": 2.0}),
        record({"jaxseq": 2.0, "torch": 8.0}, SHORT),
    ]
    paths = plots.draw(tmp_path, results)
    assert [path.name for path in paths] == ["rnn_time.png", "rnn_percent.png"]
    assert all(path.stat().st_size > 10_000 for path in paths)
    assert plots.draw(tmp_path, [record({}, left_out="too long")]) == []
