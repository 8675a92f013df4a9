"""The lecture's experiment: its numbers, its text, its figure and its files."""

import contextlib
import io
import json
import re
import sys

import jax
import matplotlib.image
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import experiments
from experiments import lecture, unrolled_graph, worked_example
from tests.test_lecture_numbers import GOLDEN, HALF_A_DIGIT


VECTORS = {
    "states": "s_{t} = tanh",
    "logits": "V s_{t} + b_o  ",
    "outputs": "o_{t} = softmax",
    "output_deltas": "δᵒ_{t} = o_{t} - y_{t}",
    "state_deltas": "δ_{t} = ∂L/∂s_{t} ⊙",
}
TOTALS = {
    "d_V": "∇V = Σ_t",
    "d_W": "∇W = Σ_t",
    "d_U": "∇U = Σ_t",
    "d_b_s": "∇b_s = Σ_t",
    "d_b_o": "∇b_o = Σ_t",
}


@pytest.fixture(scope="module")
def solution():
    example = worked_example.lecture_example()
    values = worked_example.forward(example)
    return example, values, worked_example.backward(example, values)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """What the program prints, and its folder; started in float32, as users do."""
    out = tmp_path_factory.mktemp("out")
    printed = io.StringIO()
    with jax.enable_x64(False), contextlib.redirect_stdout(printed):
        lecture.main(["--out", str(out)])
        assert not jax.config.jax_enable_x64
    return printed.getvalue(), out / "lecture"


def test_forward_and_backward_give_the_numbers_on_paper(solution):
    _, values, errors = solution
    gradients = errors.gradients
    results = {
        "states": values.states,
        "logits": values.logits,
        "outputs": values.outputs,
        "output_deltas": errors.output_deltas,
        "state_deltas": errors.state_deltas,
        "loss": values.losses.sum(),
        "d_V": gradients.readout.V,
        "d_W": gradients.cell.W,
        "d_U": gradients.cell.U,
        "d_b_s": gradients.cell.b,
        "d_b_o": gradients.readout.b,
    }
    assert results.keys() == GOLDEN.keys()
    for name, value in results.items():
        np.testing.assert_allclose(
            value, GOLDEN[name], rtol=0, atol=HALF_A_DIGIT, err_msg=name
        )


def test_backward_terms_add_up(solution):
    example, values, errors = solution
    into_state = errors.d_from_output + errors.d_from_next
    np.testing.assert_allclose(errors.d_states, into_state, rtol=1e-14)
    np.testing.assert_allclose(
        errors.state_deltas, errors.d_states * errors.slopes, rtol=1e-14
    )
    np.testing.assert_allclose(
        errors.parts.cell.U[1], np.outer(errors.state_deltas[1], example.xs[1])
    )
    np.testing.assert_allclose(
        errors.parts.cell.W[2], np.outer(errors.state_deltas[2], values.states[1])
    )
    np.testing.assert_allclose(
        errors.parts.readout.V[1], np.outer(errors.output_deltas[1], values.states[1])
    )
    sums = jax.tree.map(lambda terms: terms.sum(axis=0), errors.parts)
    assert worked_example.max_difference(errors.gradients, sums) < 1e-16


def test_compare_finds_the_same_gradients(solution):
    example, _, errors = solution
    by_loop, by_jax, by_differences = lecture.compare(example, errors).values()
    assert by_loop < 1e-15
    assert by_jax < 1e-15
    assert by_differences < 1e-9


def test_compare_sees_a_wrong_sign(solution):
    example, _, errors = solution
    cell = errors.gradients.cell
    wrong = errors.gradients._replace(cell=cell._replace(W=-cell.W))
    differences = lecture.compare(example, errors._replace(gradients=wrong))
    assert min(differences.values()) > 1e-2


@pytest.mark.parametrize("name", VECTORS)
def test_report_holds_every_vector_on_paper(run, name):
    for t, row in enumerate(GOLDEN[name], start=1):
        assert _value(run[0], VECTORS[name].format(t=t)) == _digits(row)


@pytest.mark.parametrize("name", TOTALS)
def test_report_holds_every_gradient_on_paper(run, name):
    assert _value(run[0], TOTALS[name]) == _digits(np.ravel(GOLDEN[name]))


def test_report_holds_the_loss(run):
    assert re.search(r"^ +L += +3\.42692$", run[0], re.MULTILINE)


def test_report_names_every_equation(run):
    for name in ("(1)", "(2)", "(3)", "BP1", "BP2", "BP2T", "BP3"):
        assert re.search(rf"^  {re.escape(name)} +\S+ =", run[0], re.MULTILINE)
    for name in ("BP4U", "BP4V", "BP4W"):
        assert re.search(rf"^  {name}  ∇{name[-1]} = Σ_t", run[0], re.MULTILINE)


def test_report_says_what_the_slips_would_give(run):
    text = run[0][run[0].index("Where the slides slip") :]
    states, outputs, deltas = (
        np.array(GOLDEN[name]) for name in ("states", "outputs", "output_deltas")
    )
    states_tm1 = np.array([[0.0, 0.0], *states[:-1]])

    assert _value(text, "slide: ∇V") == _digits(np.ravel(GOLDEN["d_V"]))
    _assert_near(text, "swapped: δᵒ_2", outputs[1] - np.array([0, 1, 0]))
    _assert_near(text, "swapped: δᵒ_3", outputs[2] - np.array([0, 0, 1]))
    swapped = -np.log(outputs[0, 0] * outputs[1, 1] * outputs[2, 2])
    shown = re.search(r"swapped: L += +(\S+)", text)
    assert abs(float(shown[1]) - swapped) < 5e-5
    _assert_near(text, "slide: Σ_t δᵒ_t s_{t-1}ᵀ", np.ravel(deltas.T @ states_tm1))
    for t, s_t in enumerate(states, start=1):
        _assert_near(text, f"slide: 1 - tanh²(s_{t})", 1 - np.tanh(s_t) ** 2)
        _assert_near(text, f"right: 1 - s_{t}²", 1 - s_t**2)
    assert "params.b: expected float64[3], [O] as params.V has it" in text


def test_report_lists_the_word_pairs(run):
    pairs = re.findall(r"\((.),(.)\)", run[0])
    assert [a + b for a, b in pairs[:6]] == [
        "我爱",
        "我学",
        "爱我",
        "爱学",
        "爱习",
        "学我",
    ]
    assert len(pairs) == 12 * 4 - 6


def test_report_fits_a_page(run):
    text = run[0][: run[0].index("\nFiles\n")]
    assert max(map(len, text.splitlines())) <= 88


def test_characters_drops_punctuation():
    assert "".join(lecture.characters("我爱学习爱劳动，是个好青年。 “好”！")) == (
        "我爱学习爱劳动是个好青年好"
    )


def test_skip_grams_takes_neighbours_of_both_sides():
    assert lecture.skip_grams("abcd", 1) == [
        ("a", ["b"]),
        ("b", ["a", "c"]),
        ("c", ["b", "d"]),
        ("d", ["c"]),
    ]
    assert lecture.skip_grams("abc", 9) == [
        ("a", ["b", "c"]),
        ("b", ["a", "c"]),
        ("c", ["a", "b"]),
    ]
    assert lecture.skip_grams("", 2) == []
    assert lecture.skip_grams("a", 2) == [("a", [])]


def test_skip_grams_refuses_an_empty_window():
    with pytest.raises(ValueError, match="window: expected 1 or more, got 0"):
        lecture.skip_grams("ab", 0)


def test_main_names_the_files_it_wrote(run):
    text, folder = run
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["lecture.json", "unrolled.png", "unrolled.svg"]
    listed = text[text.index("\nFiles\n") :]
    assert all(str(folder / name) in listed for name in names)


def test_write_json_keeps_full_precision(run, solution):
    _, values, errors = solution
    numbers = json.loads((run[1] / "lecture.json").read_text("utf-8"))
    assert numbers["forward"]["states"] == values.states.tolist()
    d_cell = numbers["backward"]["gradients"]["cell"]
    assert d_cell["U"] == errors.gradients.cell.U.tolist()
    assert f"{numbers['loss']:.5f}" == f"{GOLDEN['loss']:.5f}"


def test_draw_is_the_same_every_time(run, solution, tmp_path):
    for path in unrolled_graph.draw(tmp_path, *solution):
        assert path.read_bytes() == (run[1] / path.name).read_bytes()


def test_draw_fills_the_page(run):
    pixels = matplotlib.image.imread(run[1] / "unrolled.png")[..., :3]
    assert pixels.shape == (1150, 1600, 3)
    inked = (pixels < 0.5).any(axis=-1)
    quarters = [half for rows in np.split(inked, 2) for half in np.split(rows, 2, 1)]
    assert all(quarter.mean() > 0.01 for quarter in quarters)
    assert (run[1] / "unrolled.svg").read_text("utf-8").startswith("<?xml")


def test_draw_writes_the_numbers_on_paper_and_no_text_over_another(
    solution, tmp_path, monkeypatch
):
    boxes = {}

    def measure(figure, *_, **__):
        renderer = FigureCanvasAgg(figure).get_renderer()
        for i, text in enumerate(figure.axes[0].texts):
            if text.get_text():
                boxes[i, text.get_text()] = text.get_window_extent(renderer)

    monkeypatch.setattr(Figure, "savefig", measure)
    unrolled_graph.draw(tmp_path, *solution)
    shown = {text.replace("−", "-") for _, text in boxes}
    for name in VECTORS:
        for row in GOLDEN[name]:
            assert f"({', '.join(_digits(row))})" in shown
    for name in TOTALS:
        assert set(_digits(np.ravel(GOLDEN[name]))) <= shown
    assert any("3.42692" in text for text in shown)

    items = list(boxes.items())
    for i, (name, box) in enumerate(items):
        assert box.x0 > 20, name
        assert box.x1 < 1580, name
        assert box.y0 > 20, name
        assert box.y1 < 1130, name
        for other, other_box in items[i + 1 :]:
            assert not box.overlaps(other_box), (name, other)


def test_main_without_matplotlib_gives_the_numbers(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "experiments.unrolled_graph")
    monkeypatch.delattr(experiments, "unrolled_graph")
    assert lecture.draw(tmp_path, None, None, None) == []
    assert capsys.readouterr().err == (
        'no figure: matplotlib is not installed (pip install "jaxseq[plots]")\n'
    )


@pytest.mark.parametrize("args", [["--nope"], ["--out"], ["extra"]])
def test_main_refuses_wrong_options_in_one_line(args, capsys):
    with pytest.raises(SystemExit) as stop:
        lecture.main(args)
    assert stop.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert re.fullmatch(r"error: .+\n", printed.err)


def _value(text, label):
    """Reads the numbers of the first entry that a label begins, as they stand."""
    found = re.search(
        re.escape(label) + r".*?= ([\[(].*[\])](?:\n +\[.*\])*)(?:\n|$)", text
    )
    assert found, label
    return re.findall(r"-?\d+\.\d{5}", found[1])


def _digits(numbers):
    return [f"{number:.5f}" for number in numbers]


def _assert_near(text, label, numbers):
    """The golden numbers have 5 digits, so what follows from them is less exact."""
    shown = [float(number) for number in _value(text, label)]
    np.testing.assert_allclose(shown, numbers, rtol=0, atol=5e-5, err_msg=label)
