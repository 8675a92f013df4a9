"""What is attended to: its layout, its blanks, and its gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseq.attention import memory as remembering
from tests.attention.cases import SCORES, assert_close, draw, draw_mask, every_score


@every_score
def test_memory_is_batch_first_and_blanked(name):
    args, mask = draw(name), draw_mask()
    memory = remembering.remember(
        SCORES[name], args.params, args.encoded, args.values, mask
    )
    assert memory.keys.shape[:-1] == memory.values.shape[:-1] == (3, 4)
    np.testing.assert_array_equal(memory.mask, mask.T)
    for b in range(3):
        for j in range(4):
            m_j = (
                args.encoded[j, b] if mask[j, b] else jnp.zeros_like(args.encoded[0, 0])
            )
            v_j = args.values[j, b] if mask[j, b] else np.zeros(2)
            wanted = SCORES[name].project(args.params, m_j)
            np.testing.assert_allclose(memory.keys[b, j], wanted, rtol=1e-13)
            np.testing.assert_array_equal(memory.values[b, j], v_j)


def test_values_are_the_memory_unless_given():
    args, mask = draw("general"), draw_mask()
    one, other = (
        remembering.remember(SCORES["general"], args.params, args.encoded, values, mask)
        for values in (None, args.encoded)
    )
    assert_close(one, other, 0)


@every_score
@pytest.mark.parametrize("masked", [False, True])
def test_gradient_equals_autodiff(name, masked):
    args, mask = draw(name), draw_mask() if masked else None
    memories = []
    for form in (remembering.remember, remembering.remember_plain):

        def floats(params, encoded, values, form=form):
            return form(SCORES[name], params, encoded, values, mask)[:2]

        made, pull = jax.vjp(floats, args.params, args.encoded, args.values)
        memories.append((made, pull(jax.tree.map(jnp.cos, made))))
    assert_close(*memories)


def test_forward_mode_is_refused_with_what_to_call():
    args = draw("general")

    def keys(encoded, form=remembering.remember):
        return form(SCORES["general"], args.params, encoded).keys

    tangents = ((args.encoded,), (args.encoded,))
    with pytest.raises(TypeError, match=r"call jaxseq\.attention\.memory\.remember_pl"):
        jax.jvp(keys, *tangents)
    plain = jax.jvp(lambda e: keys(e, remembering.remember_plain), *tangents)
    assert_close(*plain, 1e-14)  # keys are linear in what is encoded
