"""The page in a real browser: its arithmetic is the library's, its controls work."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from experiments import worked_example
from experiments.worked_example import Example, Weights
from jaxseq import explain, readout
from jaxseq.cells import elman
from tests import browser
from tests.test_lecture_numbers import GOLDEN
from tests.textbook import elman_bptt


@pytest.fixture(scope="module")
def chrome():
    with browser.started() as started:
        yield started


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return explain.write(tmp_path_factory.mktemp("page") / "explain.html")


@pytest.fixture
def page(chrome, path):
    browser.open_page(chrome, path)
    browser.errors(chrome)
    yield chrome
    assert browser.errors(chrome) == []


def run(page, script, *arguments):
    return page.execute_script(script, *arguments)


def find(page, selector):
    return page.find_element(By.CSS_SELECTOR, selector)


def numbers(page, selector):
    """The numbers that stand in a part of the page, at full precision."""
    script = """return [...document.querySelectorAll(arguments[0] + " [data-number]")]
      .map(each => Number(each.dataset.number))"""
    return np.array(run(page, script, selector))


def shown(page, selector):
    """The same, as they are read."""
    script = """return [...document.querySelectorAll(arguments[0] + " [data-number]")]
      .map(each => each.textContent.replace("\u2212", "-"))"""
    return run(page, script, selector)


def go(page, name):
    """Moves the slider to a stage by its name."""
    script = """const place = jaxseq.stages().findIndex(
        each => each.name === arguments[0]);
      const slider = document.getElementById("slider");
      slider.value = place; slider.dispatchEvent(new Event("input")); return place"""
    assert run(page, script, name) >= 0, name


def type_in(page, field, text):
    """Puts text into a field, as typing does: "U[0, 1]"."""
    name, _, place = field.partition("[")
    place = place.rstrip("]").replace(" ", "")
    selector = f'[data-quantity="{name}"] [data-place="{place}"]'
    run(
        page,
        """const field = document.querySelector(arguments[0]);
        field.value = arguments[1];
        field.dispatchEvent(new Event("input", { bubbles: true }))""",
        selector,
        text,
    )


def random_inputs(seed, num_steps):
    rng = np.random.default_rng(seed)
    shapes = {"U": (2, 3), "W": (2, 2), "b_s": (2,), "V": (3, 2), "b_o": (3,)}
    inputs = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    inputs["s_0"] = rng.normal(size=2)
    inputs["xs"] = rng.normal(size=(num_steps, 3))
    inputs["ys"] = rng.dirichlet(np.ones(3), num_steps)
    return inputs


def example_of(inputs):
    given = {name: jnp.asarray(value) for name, value in inputs.items()}
    weights = Weights(
        elman.Params(given["U"], given["W"], given["b_s"]),
        readout.Params(given["V"], given["b_o"]),
    )
    return Example(weights, given["s_0"], given["xs"], given["ys"])


def test_compute_is_the_librarys_arithmetic(page):
    inputs = random_inputs(seed=0, num_steps=3)
    example = example_of(inputs)
    values = worked_example.forward(example)
    errors = worked_example.backward(example, values)
    sent = {name: value.tolist() for name, value in inputs.items()}
    found = run(page, "return jaxseq.compute(arguments[0])", sent)

    compared = values._asdict() | errors._asdict()
    parts, total = compared.pop("parts"), compared.pop("gradients")
    by_jax = jax.grad(worked_example.loss_plain)(example.weights, example)
    for name, expected in compared.items():
        np.testing.assert_allclose(
            found[name], expected, rtol=1e-12, atol=1e-12, err_msg=name
        )
    np.testing.assert_allclose(found["loss"], values.losses.sum(), rtol=1e-12)
    for kind, expected in (
        ("parts", parts),
        ("gradients", total),
        ("gradients", by_jax),
    ):
        (U, W, b_s), (V, b_o) = expected
        named = {"U": U, "W": W, "b_s": b_s, "V": V, "b_o": b_o}
        assert found[kind].keys() == named.keys()
        for name, value in named.items():
            np.testing.assert_allclose(
                found[kind][name], value, rtol=1e-12, atol=1e-12, err_msg=name
            )


@pytest.mark.parametrize("num_steps", [1, 6])
def test_compute_is_the_textbooks_sums(page, num_steps):
    inputs = random_inputs(seed=num_steps, num_steps=num_steps)
    sent = {name: value.tolist() for name, value in inputs.items()}
    found = run(page, "return jaxseq.compute(arguments[0])", sent)
    names = ("U", "W", "b_s", "V", "b_o", "s_0", "xs", "ys")
    loss, gradients, *deltas = elman_bptt(*(inputs[name] for name in names))
    gradients["b_s"] = gradients.pop("b")
    np.testing.assert_allclose(found["loss"], loss, rtol=1e-12)
    np.testing.assert_allclose(found["output_deltas"], deltas[0], atol=1e-12)
    np.testing.assert_allclose(found["state_deltas"], deltas[1], atol=1e-12)
    for name, value in found["gradients"].items():
        np.testing.assert_allclose(value, gradients[name], atol=1e-12, err_msg=name)


def digits(values):
    return [f"{value:z.5f}" for value in np.ravel(values)]


def test_stages_show_the_numbers_on_paper(page):
    by_stage = {
        "state": "states",
        "output": "outputs",
        "bp1": "output_deltas",
        "bp2": "state_deltas",
    }
    last = "#lines .line:last-child .result"
    for stage, name in by_stage.items():
        for t, expected in enumerate(GOLDEN[name], start=1):
            go(page, f"{stage}{t}")
            assert shown(page, last) == digits(expected), (stage, t)
    go(page, "total")
    assert shown(page, last) == ["3.42692"]
    for name in ("U", "W", "V", "b_s", "b_o"):
        go(page, f"sum{name}")
        assert shown(page, last) == digits(GOLDEN[f"d_{name}"])
        assert shown(page, f'[data-gradient="{name}"]') == digits(GOLDEN[f"d_{name}"])


def test_every_stage_shows_what_was_computed_at_full_precision(page):
    inputs = random_inputs(3, 3)
    for name in ("U", "W", "b_s", "V", "b_o", "s_0"):
        for place, value in np.ndenumerate(inputs[name]):
            type_in(page, f"{name}{list(place)}", repr(float(value)))
    values = worked_example.forward(
        example_of(
            inputs
            | {
                "xs": np.array([[1.0, 2, 3], [2, 3, 4], [3, 4, 5]]),
                "ys": np.array([[1.0, 0, 0], [0, 0, 1], [0, 1, 0]]),
            }
        )
    )
    go(page, "state3")
    result = numbers(page, "#lines .line:last-child .result")
    np.testing.assert_allclose(result, values.states[2], rtol=1e-12, atol=1e-12)
    drawn = run(
        page,
        """return [...document.querySelectorAll('[data-part="s_3"] .value')]
        .map(each => Number(each.textContent.replace("\u2212", "-")))""",
    )
    np.testing.assert_allclose(drawn, values.states[2], atol=5.001e-6)


def put(page, inputs):
    """Types all numbers in."""
    for name, value in inputs.items():
        if name in ("xs", "ys"):
            put(page, {f"{name[0]}_{t}": row for t, row in enumerate(value, start=1)})
            continue
        for place, entry in np.ndenumerate(value):
            type_in(page, f"{name}{list(place)}", repr(float(entry)))


def shown_by_stage(page):
    """All stages' lines and slips: what is written, arrays as □, and the numbers."""
    script = """const read = each => {
        const copy = each.cloneNode(true);
        for (const array of copy.querySelectorAll(".array")) array.textContent = "□";
        const listed = [...each.querySelectorAll("[data-number]")];
        return [copy.textContent.replace(/\\s+/g, ""),
          listed.map(number => Number(number.dataset.number))]; };
      const slider = document.getElementById("slider");
      return Object.fromEntries(jaxseq.stages().map(({ name }, place) => {
        slider.value = place; slider.dispatchEvent(new Event("input"));
        const pieces = "#lines .piece, #lines .equation-name, #slip:not([hidden]) dd";
        return [name, [...document.querySelectorAll(pieces)].map(read)]; }))"""
    return run(page, script)


def stages_of(inputs, values, errors):
    """The same by the library: each stage's pieces, in order."""
    names = ("U", "W", "b_s", "V", "b_o", "xs", "ys")
    U, W, b_s, V, b_o, xs, ys = (inputs[name] for name in names)
    T = len(xs)
    before = [inputs["s_0"], *values.states[:-1]]
    part_U, part_W, _, part_V, _ = jax.tree.leaves(errors.parts)
    grad_U, grad_W, grad_b_s, grad_V, grad_b_o = jax.tree.leaves(errors.gradients)
    stages = {"start": []}
    for t, (x, y, s_tm1) in enumerate(zip(xs, ys, before, strict=True), start=1):
        s, z, o = (a[t - 1] for a in (values.states, values.logits, values.outputs))
        d_o, d_s, delta = (
            a[t - 1]
            for a in (errors.output_deltas, errors.d_states, errors.state_deltas)
        )
        a = U @ x + W @ s_tm1 + b_s
        stages |= {
            f"state{t}": [
                (f"a{t}=Ux{t}+Ws{t - 1}+bs",),
                ("=□□+□□+□", U, x, W, s_tm1, b_s),
                ("=□", a),
                ("(1)",),
                (f"s{t}=tanh(a{t})",),
                ("=tanh□", a),
                ("=□", s),
            ],
            f"output{t}": [
                (f"z{t}=Vs{t}+bo",),
                ("=□□+□", V, s, b_o),
                ("=□", z),
                ("(2)",),
                (f"o{t}=softmax(z{t})",),
                ("=softmax□", z),
                ("=□", o),
                *([("bo=□", b_o)] if t == 1 else []),
            ],
            f"loss{t}": [
                ("(3)",),
                (f"L{t}=−∑ky{t}klogo{t}k",),
                (None, *np.ravel(np.stack([y, o], axis=1))),
                (None, values.losses[t - 1]),
            ],
            f"bp1{t}": [
                ("BP1",),
                (f"δ{t}o=o{t}−y{t}",),
                ("=□−□", o, y),
                ("=□", d_o),
            ],
            f"bp4v{t}": [
                ("BP4V",),
                (f"δ{t}os{t}T",),
                ("=□□", d_o, s),
                ("=□", part_V[t - 1]),
                ("BP3",),
                (f"δ{t}o",),
                ("=□", d_o),
                (f"δ{t}os{t - 1}T=□", np.outer(d_o, s_tm1)),
                (f"δ{t}os{t}T=□", np.outer(d_o, s)),
            ],
            f"bp2t{t}": [
                ("BP2T",),
                (f"∂L∂s{t}=VTδ{t}o" + (f"+WTδ{t + 1}" if t < T else ""),),
                ("=□□+□□", V.T, d_o, W.T, errors.state_deltas[t])
                if t < T
                else ("=□□", V.T, d_o),
                ("=□", d_s),
            ],
            f"bp2{t}": [
                (f"1−s{t}2",),
                ("=1−□⊙□", s, s),
                ("=□", 1 - s**2),
                ("BP2",),
                (f"δ{t}=∂L∂s{t}⊙(1−s{t}2)",),
                ("=□⊙□", d_s, 1 - s**2),
                ("=□", delta),
                (f"1−tanh2(s{t})=□", 1 - np.tanh(s) ** 2),
                (f"1−s{t}2=□", 1 - s**2),
            ],
            f"bp4u{t}": [
                ("BP4U",),
                (f"δ{t}x{t}T",),
                ("=□□", delta, x),
                ("=□", part_U[t - 1]),
            ],
            f"bp4w{t}": [
                ("BP4W",),
                (f"δ{t}s{t - 1}T",),
                ("=□□", delta, s_tm1),
                ("=□", part_W[t - 1]),
            ],
            f"bp3{t}": [("BP3",), (f"δ{t}",), ("=□", delta)],
        }
    sums = {
        "V": ("BP4V", "∑tδtostT", part_V, grad_V),
        "b_o": ("BP3", "∑tδto", errors.output_deltas, grad_b_o),
        "U": ("BP4U", "∑tδtxtT", part_U, grad_U),
        "W": ("BP4W", "∑tδtst−1T", part_W, grad_W),
        "b_s": ("BP3", "∑tδt", errors.state_deltas, grad_b_s),
    }
    stages["total"] = [
        ("(3)",),
        ("L=∑tLt",),
        (None, values.losses),
        (None, values.losses.sum()),
    ]
    for name, (chip, text, parts, total) in sums.items():
        gradient = f"∇{name.replace('_', '')}="
        stages[f"sum{name}"] = [
            (chip,),
            (gradient + text,),
            ("=" + "+".join("□" * T), *parts),
            ("=□", total),
        ]
    stages["sumU"] += [("∇V=□", grad_V), ("∇U=□", grad_U)]
    return stages


def test_every_piece_of_every_stage_is_its_equation_with_the_librarys_numbers(page):
    inputs = random_inputs(seed=5, num_steps=3)
    put(page, inputs)
    assert find(page, "#problems").text == "All numbers are valid."
    example = example_of(inputs)
    values = worked_example.forward(example)
    errors = worked_example.backward(example, values)
    expected = stages_of(inputs, values, errors)
    found = shown_by_stage(page)
    assert found.keys() == expected.keys()
    for stage, pieces in expected.items():
        assert len(found[stage]) == len(pieces), (stage, found[stage])
        for (text, listed), (wanted, *arrays) in zip(found[stage], pieces, strict=True):
            assert wanted in (None, text), (stage, text)
            flat = np.concatenate([np.ravel(each) for each in arrays] or [np.array([])])
            np.testing.assert_allclose(
                listed, flat, rtol=1e-11, atol=1e-12, err_msg=f"{stage}: {text}"
            )


@pytest.mark.parametrize(
    ("target", "written"),
    [
        (("1", "0", "0"), "=−log0.21834"),
        ((".5", ".5", "0"), "=−(0.50000·log0.21834+0.50000·log0.31813)"),
    ],
)
def test_the_loss_is_written_with_its_sign(page, target, written):
    for place, value in enumerate(target):
        type_in(page, f"y_1[{place}]", value)
    (_, _, (text, _), _) = shown_by_stage(page)["loss1"]
    assert text == written


def test_slider_and_keyboard_go_forwards_and_backwards(page):
    total = run(page, "return jaxseq.stages().length")
    assert total == 1 + 3 * 3 + 1 + 3 * 7 + 5

    def position():
        return int(find(page, "#slider").get_attribute("value"))

    slider = find(page, "#slider")
    slider.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert position() == 2
    assert find(page, "#stage-title").text == "Output o1, from s1"
    assert "o 1 = (0.21834" in find(page, "#spoken").get_attribute("textContent")
    slider.send_keys(Keys.ARROW_LEFT)
    assert position() == 1
    slider.send_keys(Keys.END)
    assert position() == total - 1
    assert page.find_elements(By.CSS_SELECTOR, "[data-part].later") == []
    slider.send_keys(Keys.HOME)
    assert position() == 0
    assert find(page, "#previous").get_attribute("aria-disabled") == "true"
    find(page, "#previous").click()
    assert position() == 0
    find(page, "#next").click()
    assert position() == 1
    find(page, "#next").send_keys(Keys.ARROW_RIGHT)  # not only at the slider
    assert position() == 2
    type_here = find(page, "fieldset input")
    type_here.send_keys(Keys.ARROW_RIGHT)  # in a field it moves the cursor
    assert position() == 2


def test_drawing_shows_no_number_before_its_time(page):
    visible = """return [...document.querySelectorAll("svg [data-part]")].filter(part =>
      [...part.querySelectorAll(".value")].some(value =>
        getComputedStyle(value).visibility === "visible")).map(p => p.dataset.part)"""
    given = {"s_0", *(f"{name}_{t}" for name in "xy" for t in (1, 2, 3))}
    assert set(run(page, visible)) == given
    go(page, "state1")
    assert set(run(page, visible)) == given | {"Ux_1", "Ws_1", "s_1"}
    go(page, "total")
    assert "δᵒ_3" not in run(page, visible)
    go(page, "bp13")
    assert "δᵒ_3" in run(page, visible)
    assert "δᵒ_2" not in run(page, visible)
    marked = page.find_elements(By.CSS_SELECTOR, ".now[data-part]")
    parts = [part.get_attribute("data-part") for part in marked]
    assert parts == ["δᵒ_3", "δᵒ_3"]  # the arrow and its numbers


def test_gradients_grow_step_by_step(page):
    parts = run(page, "return jaxseq.compute(jaxseq.lectureInputs()).parts.V")
    go(page, "total")
    assert shown(page, '[data-gradient="V"]') == []
    go(page, "bp4v3")
    np.testing.assert_allclose(
        numbers(page, '[data-gradient="V"]'), np.ravel(parts[2]), rtol=1e-14
    )
    go(page, "bp4v2")
    np.testing.assert_allclose(
        numbers(page, '[data-gradient="V"]'), np.ravel(parts[2]) + np.ravel(parts[1])
    )


def test_change_of_a_field_changes_what_depends_on_it(page):
    go(page, "sumW")
    before = numbers(page, "#lines .result")
    type_in(page, "x_2[0]", "-2.5")
    after = numbers(page, "#lines .result")
    assert np.abs(after - before).max() > 1e-4
    inputs = run(page, "return jaxseq.lectureInputs()")
    inputs["xs"][1][0] = -2.5
    expected = run(page, "return jaxseq.compute(arguments[0]).gradients.W", inputs)
    np.testing.assert_array_equal(after, np.ravel(expected))
    find(page, "#reset").click()
    np.testing.assert_array_equal(numbers(page, "#lines .result"), before)


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [
        ("U[0, 1]", "abc", "U: expected a number from"),
        ("b_o[2]", "", "b_o: expected a number from"),
        ("x_3[0]", "1e999", "x_3: expected a number from"),
        ("s_0[1]", "0x10", "s_0: expected a number from"),
        ("y_1[0]", "0.5", "y_1: expected probabilities, 0 or more, with sum 1"),
        ("y_1[0]", "-1", "y_1: expected probabilities, 0 or more, with sum 1"),
        ("W[0, 0]", "<b>1", "got “<b>1”"),
    ],
)
def test_what_is_no_number_is_marked_and_the_last_result_kept(page, field, text, said):
    go(page, "total")
    type_in(page, field, text)
    assert said in find(page, "#problems").text
    assert "last valid result" in find(page, "#problems").text
    wrong = page.find_elements(By.CSS_SELECTOR, '[aria-invalid="true"]')
    assert len(wrong) == (3 if field.startswith("y") else 1)
    described = wrong[0].get_attribute("aria-describedby")
    assert said in find(page, f'[id="{described}"]').text
    assert shown(page, "#lines .result") == ["3.42692"]
    find(page, "#reset").click()
    assert page.find_elements(By.CSS_SELECTOR, '[aria-invalid="true"]') == []
    assert find(page, "#problems").text == "All numbers are valid."


def test_a_typed_minus_and_soft_targets_are_taken(page):
    type_in(page, "U[0, 0]", "\u22120.5")
    for place, value in enumerate(("0.7", "0.1", "0.2")):
        type_in(page, f"y_1[{place}]", value)
    assert find(page, "#problems").text == "All numbers are valid."
    inputs = run(page, "return jaxseq.lectureInputs()")
    inputs["U"][0][0], inputs["ys"][0] = -0.5, [0.7, 0.1, 0.2]
    go(page, "total")
    expected = run(page, "return jaxseq.compute(arguments[0]).loss", inputs)
    np.testing.assert_array_equal(numbers(page, "#lines .result"), [expected])


def test_steps_are_added_and_removed(page):
    for _ in range(5):
        find(page, "#add-step").click()
    assert find(page, "#add-step").get_attribute("aria-disabled") == "true"
    assert run(page, "return jaxseq.stages().length") == 1 + 3 * 6 + 1 + 7 * 6 + 5
    assert page.find_elements(By.CSS_SELECTOR, '[data-part="s_6"]')
    go(page, "sumU")
    for _ in range(6):
        find(page, "#remove-step").click()
    assert run(page, "return jaxseq.stages().length") == 1 + 3 + 1 + 7 + 5
    go(page, "total")
    assert shown(page, "#lines .result") == ["1.52170"]


def test_the_check_by_differences_agrees_at_every_weight(page):
    differences = run(
        page,
        """const select = document.getElementById("check-entry");
        return [...select.options].map(option => {
          select.value = option.value; select.dispatchEvent(new Event("change"));
          return ["analytic", "numeric"].map(kind => Number(document.getElementById(
            `check-${kind}`).textContent.replaceAll("\u2212", "-"))); })""",
    )
    assert len(differences) == 6 + 4 + 2 + 6 + 3
    analytic, numeric = np.array(differences).T
    assert np.abs(analytic).max() > 0.4
    np.testing.assert_allclose(analytic, numeric, rtol=0, atol=1e-9)


def test_each_slip_is_shown_where_it_stands(page):
    words = json.loads(run(page, "return JSON.stringify(WORDS.en)"))
    for letter in "abcde":
        find(page, f'[data-letter="{letter}"]').click()
        aside = find(page, "#slip")
        assert f"({letter})" in aside.text
        assert words[f"slip_{letter}"][:20].replace("_", "") in aside.text
    find(page, '[data-letter="a"]').click()
    assert shown(page, "#slip .slide") == digits(GOLDEN["d_V"])
    assert shown(page, "#slip .right") == digits(GOLDEN["d_U"])
    find(page, '[data-letter="b"]').click()
    swapped = np.array(GOLDEN["outputs"][1]) - [0, 1, 0]
    assert shown(page, "#slip .slide")[-3:] == digits(swapped)
    # Of other numbers the slide has none.
    for place, value in enumerate("100"):
        type_in(page, f"y_2[{place}]", value)
    assert page.find_elements(By.CSS_SELECTOR, "#slip dd") == []
    assert find(page, "#slip p").text.endswith("y₃ = (0, 1, 0).")
    go(page, "total")
    assert not find(page, "#slip").is_displayed()


def test_language_and_digits_change(page):
    go(page, "state1")
    find(page, '[data-language="zh"]').click()
    assert page.title == "随时间反向传播，逐步演示"
    assert find(page, "html").get_attribute("lang") == "zh"
    assert find(page, "#stage-title").text == "状态 s1，来自 x1 和 s0"
    assert find(page, "#kind").text == "前向"
    english = [
        text
        for text in run(
            page,
            """return [...document.querySelectorAll("h2, h3, p, button, label, dt")]
            .filter(each => each.checkVisibility() && !each.querySelector("select"))
            .map(each => each.innerText.trim())""",
        )
        if text and text.isascii() and len(text) > 12
    ]
    assert english == []
    run(
        page,
        """const select = document.getElementById("digits"); select.value = "8";
        select.dispatchEvent(new Event("change"))""",
    )
    s_1 = np.tanh([1.4, 3.2])
    assert shown(page, "#lines .line:last-child .result") == [f"{s:.8f}" for s in s_1]
    find(page, '[data-language="en"]').click()
    assert find(page, "#kind").text == "forward"


def test_a_field_shows_its_number_whole_and_scrolls_where_it_cannot(chrome, path):
    browser.open_page(chrome, path)
    narrow = find(chrome, '[data-quantity="U"] input').rect["width"]
    is_whole = """return [...document.querySelectorAll("fieldset input")]
      .every(field => field.scrollWidth - field.clientWidth <= 1)"""  # both rounded
    type_in(chrome, "U[0, 0]", "-999999.123456789")
    assert find(chrome, '[data-quantity="U"] input').rect["width"] > 1.5 * narrow
    assert run(chrome, is_whole)
    browser.open_page(chrome, path, width=320)
    for name in ("U[0, 0]", "U[0, 1]", "U[1, 2]", "x_2[0]", "y_2[1]", "b_s[0]"):
        type_in(chrome, name, "-1000000")
    assert run(chrome, is_whole)
    for name in ("U[0, 0]", "U[0, 1]", "U[1, 2]", "x_2[0]", "y_2[1]", "b_s[0]"):
        type_in(chrome, name, "-" + 40 * "1")
    assert browser.overflow(chrome) <= 0


@pytest.mark.parametrize("language", explain.LANGUAGES)
def test_a_phones_width_is_enough(chrome, path, language):
    browser.open_page(chrome, path, width=360)
    find(chrome, f'[data-language="{language}"]').click()
    for _ in range(3):
        find(chrome, "#add-step").click()
    type_in(chrome, "V[0, 0]", "-999999.123456789")
    widest = run(
        chrome,
        """const slider = document.getElementById("slider");
        return Math.max(...jaxseq.stages().map((_, place) => {
          slider.value = place; slider.dispatchEvent(new Event("input"));
          return document.documentElement.scrollWidth; }))""",
    )
    assert widest <= 360
    # What is computed is brought into sight.
    go(chrome, "bp16")
    box, part = (
        run(
            chrome,
            "return document.querySelector(arguments[0]).getBoundingClientRect()",
            s,
        )
        for s in ("#graph", ".label.now")
    )
    assert box["left"] <= part["left"]
    assert part["right"] <= box["right"]


def test_nothing_is_asked_of_the_network_and_every_control_has_a_name(chrome, path):
    browser.requests(chrome)
    browser.open_page(chrome, path)
    go(chrome, "sumb_o")
    addresses = browser.requests(chrome)
    assert all(path.as_uri() in text or '"data:' in text for text in addresses)
    blocked = run(
        chrome,
        """return fetch("https://example.org").then(() => false, () => true)""",
    )
    assert blocked
    browser.errors(chrome)  # the refused fetch
    unnamed = run(
        chrome,
        """return [...document.querySelectorAll("button, input, select")].filter(each =>
          !(each.getAttribute("aria-label") || each.innerText.trim()
            || each.labels?.length)).map(each => each.outerHTML)""",
    )
    assert unnamed == []
