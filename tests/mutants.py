"""Wrong back-propagation, one mistake each: what the tests must not let pass.

Each row replaces one text of one module of jaxseq. The text must occur exactly once, so
the table breaks loudly when the code changes: then write the mistake anew.
"""

from typing import NamedTuple


class Mutant(NamedTuple):
    """One mistake, and the check of `test_mutants` that must see it."""

    name: str
    module: str
    old: str
    new: str
    check: str


def _rows(module, check, *rows):
    for name, old, new, *other in rows:
        place = module.removesuffix(".py").replace("/", ".").removeprefix("cells.")
        yield Mutant(f"{place}: {name}", module, old, new, *(other or [check]))


ELMAN = _rows(
    "cells/elman.py",
    "elman_tanh",
    ("BP2 slope at pre-activation", "slope(trace_t.state)", "slope(trace_t.z)"),
    ("BP2 slope at s_tm1", "slope(trace_t.state)", "slope(trace_t.state_tm1)"),
    ("BP2 slope forgotten", " * activation.slope(trace_t.state)", ""),
    ("BP2T transposed W", "(delta_t, params.W)", "(delta_t, params.W.T)"),
    ("BP2T sign", "(delta_t, params.W)", "(-delta_t, params.W)"),
    ("BP2T of d_s_t", "(delta_t, params.W)", "(d_s_t, params.W)"),
    ("BP2T straight path", "params.W)  # (BP2T)", "params.W) + d_s_t"),
    ("BP4W with s_t", "(deltas, trace.state_tm1)", "(deltas, trace.state)"),
    ("BP4W transposed", "(deltas, trace.state_tm1)", "(trace.state_tm1, deltas)"),
    ("BP4U sign", "sum_outer(deltas, xs)", "-sum_outer(deltas, xs)"),
    ("BP4U with x_tm1", "(deltas, xs)", "(deltas, jnp.roll(xs, 1, axis=0))"),
    ("BP3 forgotten", "sum_steps(deltas)", "jnp.zeros_like(params.b)"),
    ("BP3 last step only", "sum_steps(deltas)", "sum_steps(deltas[-1:])"),
    ("BP5 sign", "deltas @ params.U", "-deltas @ params.U"),
    ("BP5 later step", "deltas @ params.U", "jnp.roll(deltas, 1, axis=0) @ params.U"),
)

ACTIVATIONS = _rows(
    "cells/activations.py",
    "elman_tanh",
    ("tanh' without square", "lambda s: 1 - s**2", "lambda s: 1 - s"),
    ("tanh' sign", "lambda s: 1 - s**2", "lambda s: 1 + s**2"),
    ("logistic' sign", "s * (1 - s)", "s * (1 + s)", "elman_logistic"),
    ("logistic' half", "s * (1 - s)", "1 - s", "elman_logistic"),
    ("relu' at zero", "(s > 0)", "(s >= 0)", "elman_relu"),
    ("relu' is relu", "(s > 0).astype(s.dtype)", "s", "elman_relu"),
    ("identity' is identity", "jnp.ones_like", "lambda s: s", "elman_identity"),
)

CELL = _rows(
    "cells/cell.py",
    "elman_tanh",
    ("BP4 mean", "total.astype(", "(total / len(deltas)).astype("),
    ("BP4 in float32", "=accumulator(deltas.dtype)", "=jnp.float32"),
    ("BP3 mean", "jnp.sum(deltas, ", "jnp.mean(deltas, "),
    (
        "truncated keeps error, elman",
        "return held(jnp.zeros_like, d_state_tm1)",
        "return d_state_tm1",
        "elman_one_step",
    ),
    (
        "truncated keeps error, jordan",
        "return held(jnp.zeros_like, d_state_tm1)",
        "return d_state_tm1",
        "jordan_one_step",
    ),
    (
        "truncated keeps error, lstm_1997",
        "return held(jnp.zeros_like, d_state_tm1)",
        "return d_state_tm1",
        "lstm_1997_truncated",
    ),
)

JORDAN = _rows(
    "cells/jordan.py",
    "jordan",
    ("g' forgotten", " * out.slope(trace_t.state.y)", ""),
    ("g' of y_tm1", "out.slope(trace_t.state.y)", "out.slope(trace_t.state_tm1.y)"),
    ("f' forgotten", " * hidden.slope(h_t)", ""),
    ("f' at pre-activation", "hidden.slope(h_t)", "hidden.slope(trace_t.z)"),
    ("BP2T forgotten", "d_state_t.s + product(delta_h, params.W)", "d_state_t.s"),
    ("BP2T sign", "d_state_t.s + product", "d_state_t.s - product"),
    ("later state error lost", "d_state_t.s + product", "product"),
    ("mu forgotten", "State(s=mu * d_s_t", "State(s=d_s_t"),
    ("mu twice", "y=d_s_t)", "y=mu * d_s_t)"),
    ("s and y swapped", "s=mu * d_s_t, y=d_s_t", "y=mu * d_s_t, s=d_s_t"),
    ("BP4W with s_tm1", "(deltas_h, trace.state.s)", "(deltas_h, trace.state_tm1.s)"),
    ("BP4W with y_tm1", "(deltas_h, trace.state.s)", "(deltas_h, trace.state_tm1.y)"),
    (
        "BP4V with h_tm1",
        "(deltas_y, trace.tape)",
        "(deltas_y, jnp.roll(trace.tape, 1, 0))",
    ),
    ("BP4V sign", "V=sum_outer(deltas_y", "V=-sum_outer(deltas_y"),
    ("BP3 b_h forgotten", "sum_steps(deltas_h)", "0 * sum_steps(deltas_h)"),
    ("BP3 b_y sign", "sum_steps(deltas_y)", "-sum_steps(deltas_y)"),
    ("BP5 sign", "return d_params, deltas_h", "return d_params, -deltas_h"),
)

LSTM = _rows(
    "cells/lstm.py",
    "lstm",
    ("(7) stale c", "jnp.tanh(trace_t.state.c)", "jnp.tanh(trace_t.state_tm1.c)"),
    (
        "(7) c without tanh",
        "d_state_t.h * tanh_c_t *",
        "d_state_t.h * trace_t.state.c *",
    ),
    ("(7) slope forgotten", "tanh_c_t * o_t * (1 - o_t)", "tanh_c_t"),
    ("(7) slope sign", "tanh_c_t * o_t * (1 - o_t)", "tanh_c_t * o_t * (1 + o_t)"),
    ("(8) later error lost", "d_state_t.c + d_state_t.h", "d_state_t.h"),
    ("(8) error of h lost", " + d_state_t.h * o_t * (1 - tanh_c_t**2)", ""),
    ("(8) tanh' without square", "(1 - tanh_c_t**2)", "(1 - tanh_c_t)"),
    ("(8) tanh' forgotten", "o_t * (1 - tanh_c_t**2)", "o_t"),
    ("(8) tanh' of c", "(1 - tanh_c_t**2)", "(1 - trace_t.state.c**2)"),
    ("(8) o forgotten", "h * o_t * (1 - tanh_c_t**2)", "h * (1 - tanh_c_t**2)"),
    ("(8) f for o", "h * o_t * (1 - tanh_c_t**2)", "h * f_t * (1 - tanh_c_t**2)"),
    ("(9) c_t for c_tm1", "d_c_t * trace_t.state_tm1.c", "d_c_t * trace_t.state.c"),
    ("(9) g for c_tm1", "d_c_t * trace_t.state_tm1.c", "d_c_t * g_t"),
    ("(9) slope of i", "f_t * (1 - f_t)", "i_t * (1 - i_t)"),
    ("(10) c_tm1 for g", "d_c_t * g_t * i_t", "d_c_t * trace_t.state_tm1.c * i_t"),
    ("(10) slope forgotten", "g_t * i_t * (1 - i_t)", "g_t"),
    ("(11) logistic slope", "i_t * (1 - g_t**2)", "i_t * g_t * (1 - g_t)"),
    ("(11) i forgotten", "i_t * (1 - g_t**2)", "(1 - g_t**2)"),
    ("(11) f for i", "i_t * (1 - g_t**2)", "f_t * (1 - g_t**2)"),
    ("(12) f forgotten", "c=d_c_t * f_t,", "c=d_c_t,"),
    ("(12) i for f", "c=d_c_t * f_t,", "c=d_c_t * i_t,"),
    ("(12) without (8)", "c=d_c_t * f_t,", "c=d_state_t.c * f_t,"),
    ("(12) dropped", "c=d_c_t * f_t,", "c=jnp.zeros_like(d_c_t),"),
    ("gates f, i swapped", "[delta_f, delta_i, d", "[delta_i, delta_f, d"),
    ("gates o, g swapped", "delta_o, delta_g]", "delta_g, delta_o]"),
    ("BP2T sign", "(delta_t, params.W)", "(-delta_t, params.W)"),
    ("BP2T dropped", "(delta_t, params.W)", "(0 * delta_t, params.W)"),
    ("BP4W with h_t", "(deltas, trace.state_tm1.h)", "(deltas, trace.state.h)"),
    ("BP4W with c_tm1", "(deltas, trace.state_tm1.h)", "(deltas, trace.state_tm1.c)"),
    ("BP4U with x_tm1", "(deltas, xs)", "(deltas, jnp.roll(xs, 1, axis=0))"),
    ("BP3 forgotten", "sum_steps(deltas)", "jnp.zeros_like(params.b)"),
    ("BP5 sign", "return d_params, deltas @", "return d_params, -deltas @"),
)

LSTM_1997 = _rows(
    "cells/lstm_1997.py",
    "lstm_1997",
    ("(6) stale s", "_h(trace_t.state.c)", "_h(trace_t.state_tm1.c)"),
    ("(7) h' of tanh", "(1 - h_t**2) / 2", "(1 - h_t**2)"),
    ("(7) later error lost", "d_state_t.c + d_state_t.h", "d_state_t.h"),
    ("(8) slope forgotten", "g_t * i_t * (1 - i_t)", "g_t * i_t"),
    ("(9) g' of tanh", "(1 - g_t**2 / 4)", "(1 - g_t**2)"),
    ("(10) carousel leaks", "c=d_s_t,", "c=d_s_t * i_t,"),
    ("(10) carousel cut", "c=d_s_t,", "c=jnp.zeros_like(d_s_t),"),
    ("gates i, o swapped", "[delta_i, delta_o, d", "[delta_o, delta_i, d"),
    (
        "truncated cuts carousel",
        "state._replace(h=hold(state.h))",
        "State(hold(state.h), hold(state.c))",
        "lstm_1997_truncated",
    ),
    (
        "truncated cuts carousel alone",
        "state._replace(h=hold(state.h))",
        "state._replace(c=hold(state.c))",
        "lstm_1997_truncated",
    ),
)

LSTM_COUPLED = _rows(
    "cells/lstm_coupled.py",
    "lstm_coupled",
    ("(8) forget part lost", "(g_t - trace_t.state_tm1.c)", "g_t"),
    (
        "(8) forget part sign",
        "(g_t - trace_t.state_tm1.c)",
        "(g_t + trace_t.state_tm1.c)",
    ),
    ("(8) c_t for c_tm1", "(g_t - trace_t.state_tm1.c)", "(g_t - trace_t.state.c)"),
    ("(7) stale c", "jnp.tanh(trace_t.state.c)", "jnp.tanh(trace_t.state_tm1.c)"),
    ("(10) i for 1 - i", "c=d_c_t * (1 - i_t),", "c=d_c_t * i_t,"),
    ("(9) 1 - i for i", "d_c_t * i_t * (1 - g_t", "d_c_t * (1 - i_t) * (1 - g_t"),
)

LSTM_LINEAR = _rows(
    "cells/lstm_linear.py",
    "lstm_linear",
    (
        "(7) c_tm1 for c_t",
        "d_state_t.h * trace_t.state.c",
        "d_state_t.h * trace_t.state_tm1.c",
    ),
    ("(7) slope forgotten", "trace_t.state.c * o_t * (1 - o_t)", "trace_t.state.c"),
    ("(8) gate forgotten", "d_state_t.h * o_t  # (8)", "d_state_t.h  # (8)"),
    ("(8) later error lost", "d_state_t.c + d_state_t.h", "d_state_t.h"),
    ("(9) c_t for c_tm1", "d_c_t * trace_t.state_tm1.c", "d_c_t * trace_t.state.c"),
    ("(10) f for i", "g_t * i_t * (1 - i_t)", "g_t * f_t * (1 - f_t)"),
    ("(11) f' at 1 - g", "(1 - g_t**2)", "(1 - g_t)"),
    ("(12) carousel leaks", "c=d_c_t * f_t,", "c=d_c_t,"),
    ("gates f, i swapped", "[delta_f, delta_i, d", "[delta_i, delta_f, d"),
)

LSTM_PEEPHOLE = _rows(
    "cells/lstm_peephole.py",
    "lstm_peephole",
    ("(8) p_o forgotten", " + p_o * delta_o", ""),
    ("(8) p_i for p_o", " + p_o * delta_o", " + p_i * delta_o"),
    ("(12) p_f forgotten", " + p_f * delta_f", ""),
    ("(12) p_i forgotten", " + p_i * delta_i", ""),
    ("(12) peepholes swapped", "p_f * delta_f + p_i", "p_i * delta_f + p_f"),
    ("(12) p_o once more", "p_i * delta_i,", "p_i * delta_i + p_o * delta_o,"),
    ("(9) c_t for c_tm1", "d_c_t * c_tm1 * f_t", "d_c_t * c_t * f_t"),
    ("BP4P p_f with c_t", "deltas_f * trace.state_tm1.c", "deltas_f * trace.state.c"),
    ("BP4P p_i with c_t", "deltas_i * trace.state_tm1.c", "deltas_i * trace.state.c"),
    ("BP4P p_o with c_tm1", "deltas_o * trace.state.c", "deltas_o * trace.state_tm1.c"),
    ("BP4P p_f forgotten", "p_f=sum_steps(", "p_f=0 * sum_steps("),
)

GRU_AFTER = _rows(
    "cells/gru/after.py",
    "gru_after",
    ("(5) sign", "(trace_t.state_tm1 - n_t)", "(n_t - trace_t.state_tm1)"),
    ("(5) h_t for h_tm1", "(trace_t.state_tm1 - n_t)", "(trace_t.state - n_t)"),
    ("(7) m forgotten", "delta_n * m_t * r_t * (1 - r_t)", "delta_n * r_t * (1 - r_t)"),
    ("(7) h_tm1 for m", "delta_n * m_t *", "delta_n * trace_t.state_tm1 *"),
    ("(7) slope forgotten", "m_t * r_t * (1 - r_t)", "m_t"),
    ("(8) reset forgotten in loop", "delta_m = delta_n * r_t", "delta_m = delta_n"),
    ("(8) z for r", "delta_m = delta_n * r_t", "delta_m = delta_n * gate_z"),
    ("BP4U of m", "[deltas_rz, deltas.n]", "[deltas_rz, deltas_m]"),
    ("BP2T z path lost", "d_h_t * gate_z + product(delta_rzm", "product(delta_rzm"),
    (
        "BP2T 1 - z for z",
        "d_h_t * gate_z + product(delta_rzm",
        "d_h_t * (1 - gate_z) + product(delta_rzm",
    ),
    (
        "BP2T sign",
        "d_h_t * gate_z + product(delta_rzm",
        "d_h_t * gate_z - product(delta_rzm",
    ),
    (
        "gates r, z swapped",
        "[delta_r, delta_z, delta_m]",
        "[delta_z, delta_r, delta_m]",
    ),
    (
        "BP4W with h_t",
        "sum_outer(deltas.rzm, trace.state_tm1)",
        "sum_outer(deltas.rzm, trace.state)",
    ),
    ("BP4W not reset", "sum_outer(deltas.rzm, t", "sum_outer(into_u, t"),
    ("BP3 b_m not reset", "b_m=sum_steps(deltas_m)", "b_m=sum_steps(deltas.n)"),
    ("BP3 b_m forgotten", "b_m=sum_steps(deltas_m)", "b_m=0 * sum_steps(deltas_m)"),
)

GRU_BEFORE = _rows(
    "cells/gru/before.py",
    "gru_before",
    ("(5) sign before", "(h_tm1 - n_t)", "(n_t - h_tm1)"),
    ("(7) without slope", "(delta_n, rows.n)", "(d_h_t * (1 - gate_z), rows.n)"),
    ("(7) transposed", "(delta_n, rows.n)", "(delta_n, rows.n.T)"),
    ("(8) h_t for h_tm1", "e_t * h_tm1 * r_t", "e_t * trace_t.state * r_t"),
    ("(8) h forgotten", "e_t * h_tm1 * r_t", "e_t * r_t"),
    ("(8) slope forgotten", "h_tm1 * r_t * (1 - r_t)", "h_tm1"),
    ("BP2T reset forgotten", "gate_z + e_t * r_t", "gate_z + e_t"),
    ("BP2T candidate path lost", "gate_z + e_t * r_t", "gate_z"),
    ("BP2T z path lost", "d_h_t * gate_z + e_t", "e_t"),
    ("BP2T gates' path lost", "e_t * r_t + product(delta_rz, rows.rz)", "e_t * r_t"),
    ("gates r, z swapped before", "[delta_r, delta_z], ", "[delta_z, delta_r], "),
    (
        "BP4W W_n not reset",
        "(deltas_n, trace.tape.reset)",
        "(deltas_n, trace.state_tm1)",
    ),
    ("(3) with z", "reset_t = r_t * h_tm1", "reset_t = gate_z * h_tm1"),
    (
        "reset kept is not that of (3)",
        "axis=-1), reset_t)",
        "axis=-1), gate_z * h_tm1)",
    ),
    ("BP4W rows swapped", "[d_W_rz, d_W_n]", "[d_W_n, d_W_rz]"),
    (
        "BP4W with h_t",
        "sum_outer(deltas_rz, trace.state_tm1)",
        "sum_outer(deltas_rz, trace.state)",
    ),
)

DERIVED = _rows(
    "cells/derived.py",
    "from_step",
    ("error of s_tm1 emitted", "d_state_tm1, d_state_t", "d_state_tm1, d_state_tm1"),
    ("(2) with s_t", "over_time(p, trace.state_tm1, i", "over_time(p, trace.state, i"),
    (
        "(3) with s_t",
        "trace_t.tape, trace_t.state_tm1)",
        "trace_t.tape, trace_t.state)",
        "from_parts",
    ),
    (
        "(4) straight path lost",
        "jnp.add, d_state_tm1",
        "lambda a, b: b, d_state_tm1",
        "from_parts",
    ),
    (
        "(4) recur lost",
        "jnp.add, d_state_tm1",
        "lambda a, b: a, d_state_tm1",
        "from_parts",
    ),
    (
        "(5) with s_t",
        "recur_all(p, trace.state_tm1)",
        "recur_all(p, trace.state)",
        "from_parts",
    ),
    (
        "(5) recur lost",
        "jnp.add, through_project",
        "lambda a, b: a, through_project",
        "from_parts",
    ),
)

IN_PLACE = _rows(
    "in_place.py",
    "lstm",
    ("written early", "buffers[place], leaf, t)", "buffers[place], leaf, t - 1)"),
    ("reads the step again", "jnp.maximum(t - 1, 0) if reverse", "t if reverse"),
    ("starts at the wrong end", "num_steps - 1 if reverse else 0", "0"),
    ("direction forgotten", "others),\n        reverse=reverse,", "others),"),
    ("reads too far ahead", "jnp.minimum(t + 1, num", "jnp.minimum(t + 2, num"),
)

UNROLL = _rows(
    "unroll.py",
    "lstm",
    ("NaN of the padding counted", "pad(run.masks.valid, run.xs)", "run.xs"),
)

BPTT = _rows(
    "bptt.py",
    "lstm",
    (
        "restart forgotten in trace",
        "return restarted(run.masks.restart, _like(run.reset_state, states), shifted)",
        "return shifted",
    ),
    ("restart at state_0", "_like(run.reset_state, s", "_like(run.state_0, s"),
    (
        "frozen error dropped",
        "frozen(masks_t.valid, d_state_tm1, d_state_t)",
        "zero_unless(masks_t.valid, d_state_tm1)",
    ),
    (
        "frozen error changed",
        "frozen(masks_t.valid, d_state_tm1, d_state_t)",
        "d_state_tm1",
    ),
    ("padding counted", "delta_t = zero_unless(masks_t.valid, delta_t)", "pass"),
    (
        "padding's outputs counted",
        "d_ys = zero_unless(run.masks.valid, d_ys)",
        "pass",
    ),
    (
        "reset error leaks into the past",
        "d_state_tm1 = zero_unless(~",
        "zero_unless(~",
    ),
    ("reset error goes nowhere", "d_reset_state = _add(", "_add("),
    ("reset error of one step only", "_add(d_reset_state, restored)", "restored"),
    (
        "reset error elsewhere",
        "zero_unless(masks_t.restart,",
        "zero_unless(~masks_t.restart,",
    ),
    (
        "final state's error lost",
        "(d_state_T, jax",
        "(jax.tree.map(jnp.zeros_like, d_state_T), jax",
    ),
    (
        "later error lost",
        "_add(d_state_t, d_out_t)",
        "d_out_t",
    ),
    ("output's error lost", "d_state_t = _add(d_state_t, d_o", "_add(d_state_t, d_o"),
    (
        "output's error twice",
        "_add(d_state_t, d_out_t)",
        "_add(_add(d_state_t, d_state_t), d_out_t)",
    ),
    ("wrong direction", "reverse=not reverse", "reverse=reverse"),
    (
        "wrong direction, reversed",
        "reverse=not reverse",
        "reverse=True",
        "lstm reversed",
    ),
    (
        "initial states swapped",
        "Run(d_params, d_state_0, d_reset_state,",
        "Run(d_params, d_reset_state, d_state_0,",
    ),
    (
        "state_0 forgotten",
        "[state_0[None], states[:-1]]",
        "[0 * state_0[None], states[:-1]]",
    ),
    (
        "shifted forward, reversed",
        "[states[1:], state_0[None]]",
        "[state_0[None], states[1:]]",
        "lstm reversed",
    ),
    (
        "not shifted, reversed",
        "jnp.concatenate([states[1:], state_0[None]])",
        "states",
        "lstm reversed",
    ),
)

MASKS = _rows(
    "masks.py",
    "lstm",
    ("one step too many", "return steps < ", "return steps <= "),
    ("reset in the padding", "restart = restart & valid", "pass"),
    (
        "reset not at the entry, reversed",
        "[restart[1:], jnp.zeros_like(restart[:1])]",
        "[restart]",
        "lstm reversed",
    ),
    ("restarted nowhere", "_where(restart, state_0, state)", "state"),
    ("frozen where valid", "_where(valid, state_t", "_where(~valid, state_t"),
)

MEMORY = _rows(
    "memory.py",
    "lstm outputs",
    (
        "states_tm1 off by one",
        "Trace(zs, states_tm1, states, narrow(tapes))",
        "Trace(zs, states, states, narrow(tapes))",
        "lstm states",
    ),
    ("(1) with h_t", "previous(reverse, of_states, ys)", "ys"),
    (
        "(1) restarts at zero",
        "cell.output(run.reset_state)",
        "0 * cell.output(run.state_0)",
    ),
    (
        "(2) not restarted",
        "        state_tm1 = restarted(masks_t.restart, run.reset_state, state_tm1)\n",
        "",
    ),
    (
        "(2) not frozen",
        "return frozen(masks_t.valid, state_t, state_tm1), t",
        "return state_t, t",
        "lstm reversed outputs",
    ),
    (
        "(2) wrong direction",
        "zs, reverse=reverse\n    )\n    return T",
        "zs, reverse=not reverse\n    )\n    return T",
    ),
    (
        "chunks in the wrong order",
        "chunks, reverse=reverse",
        "chunks, reverse=not reverse",
        "lstm sqrt",
    ),
    (
        "chunks all from state_0",
        "params=params, state_0=state, xs=xs",
        "params=params, xs=xs",
        "lstm sqrt",
    ),
)

TRUNCATE = _rows(
    "truncate.py",
    "truncated",
    ("not cut", "held = jax.lax.stop_gradient(state)", "held = state"),
    ("state_0 cut", "jnp.where(j == 0, s", "jnp.where(j < 0, s"),
    ("first cut forgotten", "jnp.where(j == 0, s", "jnp.where(j <= 1, s"),
    (
        "last cut forgotten",
        "state = jax.lax.stop_gradient(state) if",
        "state = state if",
    ),
    ("lengths not shifted", " - start", ""),
    (
        "resets restore the carried state",
        "reset_state=reset_state, **masks",
        "reset_state=state, **masks",
    ),
)

LOSSES = _rows(
    "losses.py",
    "cross_entropy",
    ("BP1 sign", "numerators / denominators - y", "y - numerators / denominators"),
    ("BP1 target forgotten", "denominators - y", "denominators"),
    ("BP1 of the exponentials", "numerators / denominators - y", "numerators - y"),
    (
        "BP1 wrong class",
        "(classes == ids[..., None])",
        "(classes == ids[..., None] + 1)",
    ),
    (
        "weight from outside lost",
        "jnp.broadcast_to(d_loss[..., None], delta.shape) * delta, None",
        "delta, None",
    ),
    (
        "weight from outside lost, squared",
        "delta.shape) * delta\n            for",
        "delta.shape) * 0 + delta\n            for",
        "squared_error",
    ),
    (
        "masked steps counted",
        "return jnp.where(mask, value, ",
        "return jnp.where(True, value, ",
    ),
    (
        "mask inverted",
        "return jnp.where(mask, value, ",
        "return jnp.where(~mask, value, ",
    ),
    (
        "NaN under the mask counted",
        "a = jnp.where(mask[..., None], a, jnp.zeros_like(a))",
        "pass",
    ),
    (
        "BP1 total forgotten",
        "total * jax.nn.softmax(logits) - probs",
        "jax.nn.softmax(logits) - probs",
        "cross_entropy_soft",
    ),
    (
        "BP1 sign soft",
        "total * jax.nn.softmax(logits) - probs",
        "probs - total * jax.nn.softmax(logits)",
        "cross_entropy_soft",
    ),
    (
        "target's delta sign",
        "delta, -jax.nn.log_softmax(logits)",
        "delta, jax.nn.log_softmax(logits)",
        "cross_entropy_soft",
    ),
    (
        "BP1 doubled",
        "delta = outputs - targets",
        "delta = 2 * (outputs - targets)",
        "squared_error",
    ),
    (
        "BP1 sign squared",
        "delta = outputs - targets",
        "delta = targets - outputs",
        "squared_error",
    ),
    (
        "target's delta sign squared",
        "return delta, -delta",
        "return delta, delta",
        "squared_error",
    ),
    (
        "BP1 without squashing",
        "jax.nn.sigmoid(logits) - targets, -",
        "logits - targets, -",
        "bernoulli",
    ),
    (
        "BP1 sign bernoulli",
        "jax.nn.sigmoid(logits) - targets, -",
        "targets - jax.nn.sigmoid(logits), -",
        "bernoulli",
    ),
    (
        "target's delta sign bernoulli",
        "- targets, -logits",
        "- targets, logits",
        "bernoulli",
    ),
)

READOUT = _rows(
    "readout.py",
    "readout",
    (
        "BP4V with s_tm1",
        "sum_outer(deltas, states)",
        "sum_outer(deltas, jnp.roll(states, 1, axis=0))",
    ),
    ("BP4V transposed", "sum_outer(deltas, states)", "sum_outer(states, deltas)"),
    ("BP2 sign", "deltas @ params.V", "-deltas @ params.V"),
    ("BP2 transposed V", "deltas @ params.V", "deltas @ params.V.T"),
    ("BP3 forgotten", "b=sum_steps(deltas)", "b=jnp.zeros_like(params.b)"),
    ("BP3 sign", "b=sum_steps(deltas)", "b=-sum_steps(deltas)"),
)

DOT = _rows(
    "attention/dot.py",
    "attention dot",
    ("(1) scale forgotten", "dots(scale * queries, keys)", "dots(queries, keys)"),
    ("(2) scale forgotten", "scale * mix(deltas, keys)", "mix(deltas, keys)"),
    ("(2) sign", "scale * mix(deltas, keys)", "-scale * mix(deltas, keys)"),
    ("(3) scale forgotten", "spread(deltas, scale * q", "spread(deltas, q"),
    ("(3) sign", "spread(deltas, scale * q", "-spread(deltas, scale * q"),
)

GENERAL = _rows(
    "attention/general.py",
    "attention general",
    ("(3) sign", "mix(deltas, keys)", "-mix(deltas, keys)"),
    ("(4) forgotten", "spread(deltas, queries, keys)", "jnp.zeros_like(keys)"),
    ("(4) twice", "spread(deltas, queries, keys)", "2 * spread(deltas, queries, keys)"),
    (
        "(5) transposed",
        "sum_outer(d_keys, encoded)",
        "sum_outer(encoded, d_keys).T * 2",
    ),
    ("(5) sign", "sum_outer(d_keys, encoded)", "-sum_outer(d_keys, encoded)"),
    ("(5) forgotten", "sum_outer(d_keys, encoded)", "jnp.zeros_like(params.W)"),
    ("(6) sign", "product(d_keys, params.W)  # (6)", "-product(d_keys, params.W)"),
    ("(6) forgotten", "product(d_keys, params.W)  # (6)", "jnp.zeros_like(encoded)"),
)

ADDITIVE = _rows(
    "attention/additive.py",
    "attention additive",
    ("(4) without tanh", "jnp.tanh(jnp.broadcast_to(z, s", "(jnp.broadcast_to(z, s"),
    ("(5) slope forgotten", " * v * (1 - hidden**2)", " * v"),
    ("(5) slope sign", "(1 - hidden**2)", "(1 + hidden**2)"),
    ("(5) slope without square", "(1 - hidden**2)", "(1 - hidden)"),
    ("(5) v forgotten", " * v * (1", " * (1"),
    (
        "(6) mean",
        "jnp.sum(errors, axis=-2), params.W",
        "jnp.mean(errors, axis=-2), params.W",
    ),
    ("(6) sign", "product(jnp.sum(", "product(-jnp.sum("),
    ("(7) mean", "jnp.sum(errors, axis=steps)", "jnp.mean(errors, axis=steps)"),
    (
        "(8) of deltas alone",
        "deltas[..., None] * hidden)",
        "deltas[..., None] + 0 * hidden)",
    ),
    ("(8) sign", "v=sum_steps(deltas", "v=-sum_steps(deltas"),
    (
        "(9) one position only",
        "jnp.sum(errors, axis=-2).astype",
        "errors[..., 0, :].astype",
    ),
    ("(9) sign", "W=sum_outer(", "W=-sum_outer("),
    ("(10) U sign", "U=sum_outer(", "U=-sum_outer("),
    ("(10) b forgotten", "b=sum_steps(d_keys)", "b=jnp.zeros_like(params.b)"),
    ("(10) memory's sign", "product(d_keys, params.U)", "-product(d_keys, params.U)"),
)

SOFTMAX = _rows(
    "attention/softmax.py",
    "attention additive",
    ("mask forgotten", "powers = jnp.where(mask, powers, ", "jnp.where(mask, powers, "),
    (
        "mask inverted",
        "jnp.broadcast_to(mask, scores",
        "jnp.broadcast_to(~mask, scores",
    ),
    ("(2) mean forgotten", "(d_weights - jnp", "(d_weights - 0 * jnp"),
    ("(2) mean not weighted", "jnp.sum(weights * d_weights", "jnp.sum(d_weights"),
    ("(2) weights forgotten", "weights * (d_weights -", "(d_weights -"),
    ("(2) sign", "weights * (d_weights -", "-weights * (d_weights -"),
)

ATTENTION_MEMORY = _rows(
    "attention/memory.py",
    "attention general",
    (
        "encoded not blanked",
        "zero_unless(mask, jnp.moveaxis(encoded, 0, -2))",
        "jnp.moveaxis(encoded, 0, -2)",
    ),
    (
        "values not blanked",
        "zero_unless(mask, jnp.moveaxis(values, 0, -2))",
        "jnp.moveaxis(values, 0, -2)",
    ),
    (
        "mask inverted",
        "jnp.moveaxis(jnp.asarray(mask), 0, -1)",
        "jnp.moveaxis(~jnp.asarray(mask), 0, -1)",
    ),
    (
        "keys for values",
        "values is None:\n        return",
        "values is not None:\n        return",
    ),
)

ATTEND = _rows(
    "attention/attend.py",
    "attention additive",
    ("(4) weights' own error lost", "d_attended.weights + dots", "dots"),
    (
        "(4) contexts' error lost",
        "d_attended.weights + dots",
        "d_attended.weights + 0 * dots",
    ),
    ("(4) sign", "d_attended.weights + dots", "d_attended.weights - dots"),
    ("(5) skipped", "softmax.delta(weights, d_weights)", "d_weights"),
    ("(7) with deltas", "spread(weights, d_contexts", "spread(deltas, d_contexts"),
    ("(7) sign", "spread(weights, d_contexts", "-spread(weights, d_contexts"),
    ("(8) with weights", "keys, deltas)  # (8)", "keys, weights)"),
    (
        "keys, values swapped",
        "Memory(d_keys, d_values, None)",
        "Memory(d_values, d_keys, None)",
        "attention dot",
    ),
    ("queries of nothing not blanked", "_finite(queries, mask), M", "queries, M"),
)

MUTANTS = (
    *ELMAN,
    *ACTIVATIONS,
    *CELL,
    *JORDAN,
    *LSTM,
    *LSTM_1997,
    *LSTM_COUPLED,
    *LSTM_LINEAR,
    *LSTM_PEEPHOLE,
    *GRU_AFTER,
    *GRU_BEFORE,
    *DERIVED,
    *IN_PLACE,
    *BPTT,
    *UNROLL,
    *MASKS,
    *MEMORY,
    *TRUNCATE,
    *LOSSES,
    *READOUT,
    *DOT,
    *GENERAL,
    *ADDITIVE,
    *SOFTMAX,
    *ATTENTION_MEMORY,
    *ATTEND,
)
