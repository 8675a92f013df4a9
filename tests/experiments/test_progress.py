"""Progress in a log and on a terminal."""

import io

from experiments import progress


class Clock:
    """A clock that the test moves."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_show_prints_lines_where_there_is_no_terminal():
    stream, clock = io.StringIO(), Clock()
    with progress.show("lstm", stream, clock) as report:
        for step in range(1, 13):
            clock.now += 1
            report(step / 12, 500 * step, f"step {step}")
    assert stream.getvalue().splitlines() == [
        "lstm  42%  step 5  500 tokens/s  0:07 left",
        "lstm  83%  step 10  500 tokens/s  0:02 left",
        "lstm 100%  step 12  500 tokens/s  0:00 left",
    ]


def test_show_moves_a_bar_on_a_terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    stream, clock = Terminal(), Clock()
    with progress.show("lstm [1]", stream, clock) as report:
        report(0.25, 100, "step 1")
        clock.now += 65
        report(0.5, 750, "step 2")
    shown = stream.getvalue()
    assert "lstm [1]" in shown
    assert "50%" in shown
    assert "step 2  10 tokens/s  2:10 left" in shown


def test_silent_says_nothing(capsys):
    progress.silent(0.5, 10, "step")
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""
