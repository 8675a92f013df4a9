// The steps of the computation, in order: for each its equations, and what it shows.
//
// A stage is a record:
//   kind     "exercise", "forward", "backward" or "sums"
//   title, text
//   lines    [{ name, equation, numbers, result }]: BP1, in general; with numbers; value
//   now      what it computes: names of parts of the drawing
//   uses     what it reads, likewise
//   adds     { weight: t }: the terms that the gradients gain
//   slip     { letter, lines: [{ label, value }] }, where the slides err; else null
//   spoken   the results in plain text

function stagesOf(inputs, values, words) {
  const T = inputs.xs.length;
  const steps = Array.from({ length: T }, (_, i) => i + 1);
  const at = (make, t) => make({ inputs, values, words, t, i: t - 1, T });
  const forwards = [stateStage, outputStage, lossStage];
  const backwards = [
    bp1Stage, bp4vStage, bp2tStage, bp2Stage, bp4uStage, bp4wStage, bp3Stage,
  ];
  return [
    stage(words, "start", "exercise", {}, { lines: [], now: inputsOf(T) }),
    ...steps.flatMap(t => forwards.map(make => at(make, t))),
    totalStage(inputs, values, words),
    ...steps.toReversed().flatMap(t => backwards.map(make => at(make, t))),
    ...["V", "b_o", "U", "W", "b_s"].map(name => sumStage(values, words, name)),
  ];
}

// Replaces {t} by its value.
const fill = (text, values) => text.replace(
  /\{(\w+)\}/g, (place, name) => name in values ? values[name] : place);

function stage(words, name, kind, index, { text = name, lines, ...more }) {
  return {
    uses: [], adds: {}, slip: null, kind, name: `${name}${index.t ?? index.name ?? ""}`,
    title: fill(words[`${name}_title`], index),
    text: fill(words[`${text}_text`], index),
    lines,
    spoken: lines.map(line => `${line.says} = ${plain(line.value)}`).join("; "),
    ...more,
  };
}

const isLectures = inputs => JSON.stringify(inputs) === JSON.stringify(lectureInputs());

const index = t => ({ t: String(t), tm1: String(t - 1), tp1: String(t + 1) });

function inputsOf(T) {
  const steps = Array.from({ length: T }, (_, i) => i + 1);
  return ["s_0", ...steps.flatMap(t => [`x_${t}`, `y_${t}`])];
}

// A line: its equation, the numbers put in, the result.
function line(name, says, equation, numbers, value) {
  return { name, says, equation, numbers, value, result: math`= ${value}` };
}

// Forward -------------------------------------------------------------------

function stateStage({ inputs, values, words, t: step, i }) {
  const { t, tm1 } = index(step);
  const s_tm1 = values.states_tm1[i];
  const { U, W, b_s, xs } = inputs;
  const before = add(values.projected[i], values.recurrent[i]);
  return stage(words, "state", "forward", index(step), {
    lines: [
      line("", `a ${t}`, math`a_${t} = U x_${t} + W s_${tm1} + b_s`,
        math`= ${U} ${xs[i]} + ${W} ${s_tm1} + ${b_s}`, before),
      line("(1)", `s ${t}`, math`s_${t} = tanh(a_${t})`,
        math`= tanh ${before}`, values.states[i]),
    ],
    now: [`Ux_${t}`, `Ws_${t}`, `s_${t}`],
    uses: [`x_${t}`, `s_${tm1}`],
  });
}

function outputStage({ inputs, values, words, t: step, i }) {
  const { t } = index(step);
  const { V, b_o } = inputs;
  return stage(words, "output", "forward", index(step), {
    lines: [
      line("", `z ${t}`, math`z_${t} = V s_${t} + b_o`,
        math`= ${V} ${values.states[i]} + ${b_o}`, values.logits[i]),
      line("(2)", `o ${t}`, math`o_${t} = softmax(z_${t})`,
        math`= softmax ${values.logits[i]}`, values.outputs[i]),
    ],
    now: [`Vs_${t}`, `o_${t}`],
    uses: [`s_${t}`],
    slip: step === 1
      ? { letter: "e", lines: [{ label: "right", value: math`b_o = ${b_o}` }] }
      : null,
  });
}

function lossStage({ inputs, values, words, t: step, i }) {
  const { t } = index(step);
  const y_t = inputs.ys[i], o_t = values.outputs[i];
  // Only the targets' classes have a share; of the others 0 log o is left out.
  const shares = y_t.map((y_k, k) => [y_k, o_t[k]]).filter(([y_k]) => y_k !== 0);
  const terms = shares.map(([y_k, o_k]) => y_k === 1
    ? math`log ${o_k}` : math`${y_k} · log ${o_k}`);
  const inside = terms.join(math` + `);
  return stage(words, "loss", "forward", index(step), {
    lines: [
      line("(3)", `L ${t}`, math`L_${t} = −Σ_k y_{${t}k} log o_{${t}k}`,
        shares.length === 1 ? math`= −` + inside : math`= −(` + inside + math`)`,
        values.losses[i]),
    ],
    now: [`L_${t}`],
    uses: [`o_${t}`, `y_${t}`],
  });
}

function totalStage(inputs, values, words) {
  const { losses, loss } = values;
  return stage(words, "total", "forward", {}, {
    lines: [
      line("(3)", "L", math`L = Σ_t L_t`,
        math`=` + losses.map(L_t => math`${L_t}`).join(math`+`), loss),
    ],
    now: ["L"],
    uses: losses.map((_, i) => `L_${i + 1}`),
  });
}

// Backward ------------------------------------------------------------------

function bp1Stage({ inputs, values, words, t: step, i, T }) {
  const { t } = index(step);
  const o_t = values.outputs[i], y_t = inputs.ys[i];
  const isSwapped = T >= 3 && (step === 2 || step === 3);
  const other = 5 - step;
  const swapped = isSwapped && {
    letter: "b",
    // The slide's targets are numbers, not a formula: of another network it has none.
    lines: !isLectures(inputs) ? [] : [
      { label: "slide", value: math`o_${t} − y_${String(other)}
        = ${subtract(o_t, inputs.ys[other - 1])}` },
      { label: "right", value: math`o_${t} − y_${t} = ${values.output_deltas[i]}` },
    ],
  };
  return stage(words, "bp1", "backward", index(step), {
    lines: [
      line("BP1", `delta o ${t}`, math`δᵒ_${t} = o_${t} − y_${t}`,
        math`= ${o_t} − ${y_t}`, values.output_deltas[i]),
    ],
    now: [`δᵒ_${t}`],
    uses: [`o_${t}`, `y_${t}`],
    slip: swapped || null,
  });
}

function bp4vStage({ values, words, t: step, i }) {
  const { t, tm1 } = index(step);
  const delta = values.output_deltas[i], s_t = values.states[i];
  return stage(words, "bp4v", "backward", index(step), {
    lines: [
      line("BP4V", `delta o ${t} s ${t}`, math`δᵒ_${t} s_${t}ᵀ`,
        math`= ${delta} ${[s_t]}`, values.parts.V[i]),
      line("BP3", `delta o ${t}`, math`δᵒ_${t}`, "", delta),
    ],
    now: [],
    uses: [`δᵒ_${t}`, `s_${t}`],
    adds: { V: step, b_o: step },
    slip: {
      letter: "c",
      lines: [
        { label: "slide", value: math`δᵒ_${t} s_${tm1}ᵀ
          = ${outer(delta, values.states_tm1[i])}` },
        { label: "right", value: math`δᵒ_${t} s_${t}ᵀ = ${values.parts.V[i]}` },
      ],
    },
  });
}

function bp2tStage({ inputs, values, words, t: step, i, T }) {
  const { t, tp1 } = index(step);
  const VT = transpose(inputs.V), WT = transpose(inputs.W);
  const isLast = step === T;
  const next = isLast ? null : values.state_deltas[i + 1];
  return stage(words, "bp2t", "backward", index(step), {
    text: isLast ? "bp2t_last" : "bp2t",
    lines: [
      line("BP2T", `d L d s ${t}`,
        isLast ? math`∂L/∂s_${t} = Vᵀ δᵒ_${t}`
          : math`∂L/∂s_${t} = Vᵀ δᵒ_${t} + Wᵀ δ_${tp1}`,
        isLast ? math`= ${VT} ${values.output_deltas[i]}`
          : math`= ${VT} ${values.output_deltas[i]} + ${WT} ${next}`,
        values.d_states[i]),
    ],
    now: isLast ? [`Vδ_${t}`] : [`Vδ_${t}`, `Wδ_${tp1}`],
    uses: isLast ? [`δᵒ_${t}`] : [`δᵒ_${t}`, `δ_${tp1}`],
  });
}

function bp2Stage({ values, words, t: step, i, T }) {
  const { t, tp1 } = index(step);
  const s_t = values.states[i];
  return stage(words, "bp2", "backward", index(step), {
    lines: [
      line("", `slope ${t}`, math`1 − s_${t}²`,
        math`= 1 − ${s_t} ⊙ ${s_t}`, values.slopes[i]),
      line("BP2", `delta ${t}`, math`δ_${t} = ∂L/∂s_${t} ⊙ (1 − s_${t}²)`,
        math`= ${values.d_states[i]} ⊙ ${values.slopes[i]}`, values.state_deltas[i]),
    ],
    now: [`δ_${t}`],
    uses: [`Vδ_${t}`, `s_${t}`, ...(step < T ? [`Wδ_${tp1}`] : [])],
    slip: {
      letter: "d",
      lines: [
        { label: "slide", value: math`1 − tanh²(s_${t})
          = ${s_t.map(s => 1 - Math.tanh(s) ** 2)}` },
        { label: "right", value: math`1 − s_${t}² = ${values.slopes[i]}` },
      ],
    },
  });
}

function bp4uStage({ inputs, values, words, t: step, i }) {
  const { t } = index(step);
  return stage(words, "bp4u", "backward", index(step), {
    lines: [
      line("BP4U", `delta ${t} x ${t}`, math`δ_${t} x_${t}ᵀ`,
        math`= ${values.state_deltas[i]} ${[inputs.xs[i]]}`, values.parts.U[i]),
    ],
    now: [],
    uses: [`δ_${t}`, `x_${t}`],
    adds: { U: step },
  });
}

function bp4wStage({ values, words, t: step, i }) {
  const { t, tm1 } = index(step);
  return stage(words, "bp4w", "backward", index(step), {
    lines: [
      line("BP4W", `delta ${t} s ${tm1}`, math`δ_${t} s_${tm1}ᵀ`,
        math`= ${values.state_deltas[i]} ${[values.states_tm1[i]]}`,
        values.parts.W[i]),
    ],
    now: [],
    uses: [`δ_${t}`, `s_${tm1}`],
    adds: { W: step },
  });
}

function bp3Stage({ values, words, t: step, i }) {
  const { t } = index(step);
  return stage(words, "bp3", "backward", index(step), {
    text: step === 1 ? "bp3_first" : "bp3",
    lines: [line("BP3", `delta ${t}`, math`δ_${t}`, "", values.state_deltas[i])],
    now: [],
    uses: [`δ_${t}`],
    adds: { b_s: step },
  });
}

// Sums ----------------------------------------------------------------------

function sumStage(values, words, name) {
  const [number, term, reads] = {
    U: ["BP4U", "δ_t x_tᵀ", t => [`δ_${t}`, `x_${t}`]],
    W: ["BP4W", "δ_t s_{t-1}ᵀ", t => [`δ_${t}`, `s_${t - 1}`]],
    b_s: ["BP3", "δ_t", t => [`δ_${t}`]],
    V: ["BP4V", "δᵒ_t s_tᵀ", t => [`δᵒ_${t}`, `s_${t}`]],
    b_o: ["BP3", "δᵒ_t", t => [`δᵒ_${t}`]],
  }[name];
  const parts = values.parts[name], total = values.gradients[name];
  const copied = {
    letter: "a",
    lines: [
      { label: "slide", value: math`∇V = ${values.gradients.V}` },
      { label: "right", value: math`∇U = ${values.gradients.U}` },
    ],
  };
  return stage(words, "sum", "sums", { name }, {
    lines: [
      line(number, `gradient of ${name}`, math`∇${name} = Σ_t ${term}`,
        math`=` + parts.map(part => math`${part}`).join(math`+`), total),
    ],
    now: [],
    uses: parts.flatMap((_, i) => reads(i + 1)),
    slip: name === "U" ? copied : null,
  });
}
