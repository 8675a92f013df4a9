// The lecture's network and its back-propagation through time, in float64.
//
//   s_t = tanh(U x_t + W s_{t-1} + b_s)                                      (1)
//   o_t = softmax(V s_t + b_o)                                               (2)
//   L = Σ_t L_t,  L_t = -Σ_k y_tk log o_tk                                   (3)
//
//   δᵒ_t = o_t - y_t                                                       (BP1)
//   ∂L/∂s_t = Vᵀ δᵒ_t + Wᵀ δ_{t+1}                                        (BP2T)
//   δ_t = ∂L/∂s_t ⊙ (1 - s_t²)                                             (BP2)
//   ∇b_o = Σ_t δᵒ_t,  ∇b_s = Σ_t δ_t                                       (BP3)
//   ∇V = Σ_t δᵒ_t s_tᵀ                                                    (BP4V)
//   ∇W = Σ_t δ_t s_{t-1}ᵀ                                                 (BP4W)
//   ∇U = Σ_t δ_t x_tᵀ                                                     (BP4U)
//
// Vectors are arrays, matrices arrays of rows; lists over time begin with t = 1.

const WEIGHTS = ["U", "W", "b_s", "V", "b_o"];

function lectureInputs() {
  return {
    U: [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]],
    W: [[0.1, 0.2], [0.3, 0.4]],
    b_s: [0, 0],
    V: [[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]],
    b_o: [0, 0, 0],
    s_0: [0, 0],
    xs: [[1, 2, 3], [2, 3, 4], [3, 4, 5]],
    ys: [[1, 0, 0], [0, 0, 1], [0, 1, 0]],
  };
}

// Linear algebra ------------------------------------------------------------

// a + b, of numbers, vectors or matrices.
const add = (a, b) => Array.isArray(a) ? a.map((a_i, i) => add(a_i, b[i])) : a + b;
const subtract = (a, b) => a.map((a_i, i) => a_i - b[i]);
const elementwise = (a, b) => a.map((a_i, i) => a_i * b[i]); // a ⊙ b
const dot = (a, b) => a.reduce((sum, a_i, i) => sum + a_i * b[i], 0);
const product = (M, v) => M.map(row => dot(row, v)); // M v
const transpose = M => M[0].map((_, j) => M.map(row => row[j]));
const outer = (a, b) => a.map(a_i => b.map(b_j => a_i * b_j)); // a bᵀ
const sum = terms => terms.reduce(add);

// Forward, from the first step to the last ----------------------------------

function forward({ U, W, V, b_s, b_o, s_0, xs, ys }) {
  const steps = [];
  let s_tm1 = s_0;
  xs.forEach((x_t, i) => {
    const projected = add(product(U, x_t), b_s);
    const recurrent = product(W, s_tm1);
    const s_t = add(projected, recurrent).map(Math.tanh); // (1)
    const logits = add(product(V, s_t), b_o);
    const logs = logSoftmax(logits);
    steps.push({
      projected,
      recurrent,
      states_tm1: s_tm1,
      states: s_t,
      logits,
      outputs: logs.map(Math.exp), // (2)
      // 0 log 0 is 0: a class that is no target adds nothing.
      losses: -sum(ys[i].map((y_k, k) => y_k === 0 ? 0 : y_k * logs[k])), // (3)
    });
    s_tm1 = s_t;
  });
  return { ...columns(steps), loss: sum(steps.map(step => step.losses)) }; // (3)
}

// log softmax, of shifted numbers: no exponential overflows.
function logSoftmax(logits) {
  const largest = Math.max(...logits);
  const shifted = logits.map(z => z - largest);
  const logOfSum = Math.log(sum(shifted.map(Math.exp)));
  return shifted.map(z => z - logOfSum);
}

// Backward, from the last step to the first; then the sums ------------------

function backward({ W, V, xs, ys }, values) {
  const steps = [];
  let d_from_next = values.states[0].map(() => 0); // no step follows the last
  for (let i = xs.length - 1; i >= 0; i--) {
    const s_t = values.states[i];
    const output_delta = subtract(values.outputs[i], ys[i]); // (BP1)
    const d_from_output = product(transpose(V), output_delta);
    const d_state = add(d_from_output, d_from_next); // (BP2T)
    const slope = s_t.map(s => 1 - s * s);
    const delta = elementwise(d_state, slope); // (BP2)
    steps.unshift({
      output_deltas: output_delta,
      d_from_output,
      d_from_next,
      d_states: d_state,
      slopes: slope,
      state_deltas: delta,
      parts: {
        U: outer(delta, xs[i]), // (BP4U)
        W: outer(delta, values.states_tm1[i]), // (BP4W)
        b_s: delta, // (BP3)
        V: outer(output_delta, s_t), // (BP4V)
        b_o: output_delta, // (BP3)
      },
    });
    d_from_next = product(transpose(W), delta); // (BP2T), for step t-1
  }
  const parts = columns(steps.map(step => step.parts));
  const gradients = Object.fromEntries(WEIGHTS.map(name => [name, sum(parts[name])]));
  return { ...columns(steps), parts, gradients };
}

// One record of lists from a list of records.
function columns(steps) {
  const names = Object.keys(steps[0]);
  return Object.fromEntries(names.map(name => [name, steps.map(step => step[name])]));
}

function compute(inputs) {
  const values = forward(inputs);
  return { ...values, ...backward(inputs, values) };
}

// (L(w + h) - L(w - h)) / 2h, for one entry of one weight -------------------

function centralDifference(inputs, name, place, h = 1e-5) {
  const lossAt = shift => {
    const moved = structuredClone(inputs);
    const [last, ...path] = [...place].reverse();
    const row = path.reverse().reduce((rows, i) => rows[i], moved[name]);
    row[last] += shift;
    return forward(moved).loss;
  };
  return (lossAt(h) - lossAt(-h)) / (2 * h);
}
