"""The gradient check: it passes what is right, and names what is wrong."""

import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseq import gradcheck
from jaxseq.cells import derived, elman, lstm
from jaxseq.gradcheck.__main__ import main
from jaxseq.gradcheck.differences import differences
from tests.models import every_cell_in_time


@every_cell_in_time
def test_check_cell_passes_every_cell(cell):
    report = gradcheck.check_cell(cell, num_steps=4)
    assert gradcheck.passed(report), gradcheck.table(report)
    gradcheck.require(report)
    verdicts = {row.verdict for row in report.rows}
    assert ("truncated" in verdicts) == cell.is_truncated
    assert "differs" not in verdicts


def wrong_cell(gate=0, unit=1, factor=-1.0):
    """An LSTM whose delta is wrong for one unit of one gate."""
    right = lstm.cell()

    def delta(params, trace_t, d_state_t):
        d_state_tm1, delta_t = right.delta(params, trace_t, d_state_t)
        place = gate * params.W.shape[1] + unit
        return d_state_tm1, delta_t.at[..., place].multiply(factor)

    return right._replace(name="wrong", delta=delta)


@pytest.mark.parametrize("gate", range(4))
def test_check_cell_names_the_parameter_and_index(gate):
    report = gradcheck.check_cell(wrong_cell(gate))
    assert not gradcheck.passed(report)
    rows = {row.parameter: row for row in report.rows}
    for parameter in ("params.U", "params.W", "params.b"):
        assert rows[parameter].verdict == "differs"
        assert rows[parameter].entry[0] == 4 * gate + 1
        np.testing.assert_allclose(
            rows[parameter].by_autodiff, rows[parameter].by_differences, rtol=1e-6
        )
    assert rows["state_0.h"].verdict == "equal"
    with pytest.raises(gradcheck.GradientError, match=r"params\.b\["):
        gradcheck.require(report)


def test_check_cell_sees_an_error_of_one_in_a_million():
    assert not gradcheck.passed(gradcheck.check_cell(wrong_cell(factor=1 + 1e-6)))


def test_truncated_rule_that_does_not_say_so_fails():
    hidden = elman.one_step()._replace(is_truncated=False)
    report = gradcheck.check_cell(hidden)
    assert not gradcheck.passed(report)


def test_rule_that_says_truncated_and_is_not_fails():
    report = gradcheck.check_cell(elman.cell()._replace(is_truncated=True))
    assert not gradcheck.passed(report)
    with pytest.raises(gradcheck.GradientError, match="equal to the full gradient"):
        gradcheck.require(report)


@jax.custom_vjp
def relu_and_unused(x, unused):
    return jax.nn.relu(x) + 0.0 * jnp.sum(unused)


relu_and_unused.defvjp(
    lambda x, unused: (relu_and_unused(x, unused), (x, unused)),
    lambda kept, d: (jnp.where(kept[0] > 0, d, 0.0), 0 * kept[1]),
)


def test_check_of_a_function_tells_kink_and_zero_from_error():
    x = np.array([-1.0, 0.0, 2.0], np.float32)  # cast to float64 inside
    report = gradcheck.check(relu_and_unused, (x, np.ones(2, np.float32)))
    verdicts = [row.verdict for row in report.rows]
    assert verdicts == ["kink", "both zero"]
    assert report.rows[0].entry == (1,)
    assert gradcheck.passed(report)
    away = gradcheck.check(relu_and_unused, (x + 0.5, np.ones(2, np.float32)))
    assert [row.verdict for row in away.rows] == ["equal", "both zero"]


@jax.custom_vjp
def square(x):
    return x**2


square.defvjp(
    lambda x: (x**2, x), lambda x, d: (jnp.where(x == x[700], -2, 2) * x * d,)
)


def test_arguments_keep_their_order_whatever_their_names():
    args = (np.ones((2, 3)), np.ones(3))
    names = ("weights", "inputs")  # sorted the other way round
    report = gradcheck.check(jnp.matmul, args, plain=jnp.matmul, names=names)
    assert gradcheck.passed(report)
    entries = {row.parameter: len(row.entry) for row in report.rows}
    assert entries == {"weights": 2, "inputs": 1}


def test_large_parameters_are_sampled_with_the_worst_entry():
    report = gradcheck.check(square, (np.linspace(1, 2, 1000),), num_entries=5)
    assert report.rows[0].entry == (700,)
    assert report.rows[0].verdict == "differs"


def test_tiny_gradient_of_a_saturated_function_is_no_error():
    tiny = jax.custom_vjp(lambda x: jnp.tanh(x) + 3.0)
    tiny.defvjp(
        lambda x: (jnp.tanh(x) + 3.0, x), lambda x, d: (d * (1 - jnp.tanh(x) ** 2),)
    )
    report = gradcheck.check(tiny, (np.array([14.0, 15.0]),))
    assert [row.verdict for row in report.rows] == ["equal"]


def test_nan_gradient_differs():
    function = jax.custom_vjp(lambda x: x)
    function.defvjp(lambda x: (x, None), lambda _, d: (d * jnp.nan,))
    report = gradcheck.check(function, (np.ones(3),))
    assert report.rows[0].verdict == "differs"
    assert not gradcheck.passed(report)


def off_by_five(when_called, under_rule):
    function = jax.custom_vjp(lambda x: (x, jnp.sin(x) + when_called))
    function.defvjp(
        lambda x: ((x, jnp.sin(x) + under_rule), x),
        lambda x, d: (d[0] + d[1] * jnp.cos(x),),
    )
    return function


@pytest.mark.parametrize("offsets", [(5, 5), (5, 0), (0, 5), (0, jnp.nan)])
def test_check_compares_outputs_called_and_under_the_rule(offsets):
    plain = off_by_five(0, 0).fun
    x = np.array([0.5, 2.0])
    report = gradcheck.check(off_by_five(*offsets), (x,), plain=plain)
    assert [row.verdict for row in report.rows] == ["equal", "differs"]
    assert report.rows[1].parameter == "output[1]"
    assert not gradcheck.passed(report)
    with pytest.raises(gradcheck.GradientError, match=r"wrong at output\[1\]\[0\]"):
        gradcheck.require(report)
    right = gradcheck.check(off_by_five(0, 0), (x,), plain=plain)
    assert [row.verdict for row in right.rows] == ["equal"]


def test_check_of_infinite_and_empty_outputs():
    plain = lambda x: (x, x[:0], jnp.array([jnp.inf, jnp.nan]))
    report = gradcheck.check(lambda x: plain(x), (np.ones(2),), plain=plain)
    assert {row.parameter for row in report.rows} == {"args[0]"}


def test_differences_against_a_known_derivative():
    x = jnp.array([0.3, -1.2, 4.0])
    found = differences(lambda x: jnp.sum(jnp.sin(x)), x, np.arange(3))
    np.testing.assert_allclose(found.slope, np.cos(x), rtol=0, atol=1e-9)
    assert np.all(np.abs(found.jump) < 0.1)


def test_table_has_a_row_for_each_parameter():
    report = gradcheck.check_cell(elman.cell(), num_steps=2)
    lines = gradcheck.table(report).splitlines()
    assert lines[0] == "elman(tanh): passed"
    assert [line.split()[0] for line in lines[2:]] == [
        *("params.U", "params.W", "params.b", "state_0", "xs"),
    ]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: gradcheck.check(jnp.sin, (np.ones(2),)), "plain: expected"),
        (
            lambda: gradcheck.check(square, (np.arange(3),)),
            r"args\[0\]: expected float",
        ),
        (lambda: gradcheck.check(square, (np.ones(2),), names=()), "names|args"),
        (lambda: gradcheck.check(square, (np.ones(2),), num_entries=0), "num_entries"),
        (lambda: gradcheck.check_cell(elman.cell), "cell: expected"),
        (lambda: gradcheck.check_cell(wrong_cell(), num_hidden=0), "num_hidden: exp"),
        (lambda: gradcheck.check_cell(wrong_cell(), num_steps=0), "num_steps: exp"),
        (lambda: gradcheck.check_cell(wrong_cell(), num_inputs=-2), "num_inputs: exp"),
        (lambda: gradcheck.check_cell(wrong_cell(), batch=(0,)), r"batch\[0\]: exp"),
        (lambda: gradcheck.check_cell(wrong_cell(), batch=3), "batch: expected"),
        (
            lambda: gradcheck.check(lambda x: x[None], (np.ones(2),), plain=jnp.sin),
            r"output: expected float64\[2\], as of plain, got float64\[1, 2\]",
        ),
        (
            lambda: gradcheck.check(lambda x: (x, x), (np.ones(2),), plain=jnp.sin),
            r"function: expected outputs as those of plain, .* got",
        ),
        (
            lambda: gradcheck.check(lambda x: x > 0, (np.ones(2),), plain=jnp.sin),
            r"output: expected floating-point numbers, got bool\[2\]",
        ),
        (lambda: gradcheck.check_cell(derived.from_step(lambda p, s, x: s)), "init"),
    ],
)
def test_wrong_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


USERS_FILE = """
from jaxseq.cells import lstm

right = lstm.cell()

def wrong():
    def delta(params, trace_t, d_state_t):
        d_state_tm1, delta_t = right.delta(params, trace_t, d_state_t)
        return d_state_tm1, delta_t.at[..., 5].multiply(-1)
    return right._replace(delta=delta)

number = 3
"""


@pytest.mark.slow
def test_command_line_checks_a_users_file(tmp_path):
    (tmp_path / "users_cells.py").write_text(USERS_FILE)

    def run(cell):
        return subprocess.run(
            [sys.executable, "-m", "jaxseq.gradcheck", cell],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    right = run("users_cells:right")
    assert (right.returncode, right.stderr) == (0, "")
    wrong = run("users_cells:wrong")
    assert wrong.returncode == 1
    assert wrong.stderr.startswith("error: wrong at params.U[5, ")
    assert ", params.b[5], " in wrong.stderr


FAULTS = """
from jaxseq.cells import elman

def delta(params, trace_t, d_state_t):
    return params.no_such_weight

cell = elman.cell()._replace(delta=delta)

def fails():
    raise RuntimeError("no licence\\nfound")

def lacks():
    return {}["key"]
"""


@pytest.mark.parametrize(
    ("module", "content", "args", "message"),
    [
        ("faulty_syntax", "def (", ["cell"], "SyntaxError: invalid syntax (faulty_syn"),
        ("faulty_sum", "\n1 / 0", ["cell"], "ZeroDivisionError: division by zero ("),
        ("faulty_exit", "import sys; sys.exit(0)", ["cell"], "SystemExit: 0 ("),
        ("faulty_1", FAULTS, ["fails"], "RuntimeError: no licence (faulty_1.py, line "),
        ("faulty_2", FAULTS, ["lacks"], "KeyError: 'key' (faulty_2.py, line 13)"),
        ("faulty_3", FAULTS, ["cell"], "no_such_weight' (faulty_3.py, line 5)"),
        ("faulty_4", FAULTS, ["cell", "--num-steps", "-1"], "num_steps: expected an"),
        ("faulty_5", FAULTS, ["cell", "--num-inputs", "-2"], "num_inputs: expected a"),
    ],
)
def test_command_line_that_cannot_check_says_so_in_one_line(
    module, content, args, message, tmp_path, monkeypatch, capsys
):
    (tmp_path / f"{module}.py").write_text(content)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match="^2$"):
        main([f"{module}:{args[0]}", *args[1:]])
    printed = capsys.readouterr()
    assert printed.out == ""
    assert message in printed.err
    assert printed.err.count("\n") == 1


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("users_cells", "expected MODULE:CELL"),
        ("no_such_module:cell", "no_such_module"),
        ("jaxseq.cells.lstm:no_such_cell", "no_such_cell"),
        ("jaxseq.cells.lstm:Array", "expected"),
    ],
)
def test_command_line_refuses_in_one_line(argument, message, capsys):
    with pytest.raises(SystemExit, match="^2$"):
        main([argument])
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
