// The network unrolled over time, as SVG: x_t below, then s_t, o_t and L_t.
//
// Forward arrows are on the left of a column and above the line from state to state,
// backward ones on the right and below. What an arrow carries stands beside it.

const COLUMN = 304; // from one step to the next
const LEFT = 318; // middle of the first column
const ROW = { L: 44, o: 172, s: 316, x: 448 }; // middles
const NODE = { width: 132, L: 38, s: 56, o: 68, x: 68 };
const Y_NODE = { width: 92, height: 68, middle: 126 }; // middle: left of the column's
const TOTAL = { width: 136, height: 44, middle: 188 }; // middle: right of the last one's
const S_0 = { width: 112, middle: 66 };
const LANE = 11; // from a column's middle to its arrows
const LEADING = 17;

const middleOf = t => LEFT + (t - 1) * COLUMN;

// Computed numbers, to fit beside an arrow whatever their size; what is 0 stays 0.
const computed = vector => vector.map(value => {
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size < 1000) return decimals(value, size < 100 ? 5 : 4);
  return value.toExponential(2).replaceAll("-", "−");
});

// Given numbers, as they were typed unless they are long.
const given = vector => areShort(vector, 5) ? vector.map(exact) : computed(vector);

function drawing(inputs, values) {
  const T = inputs.xs.length;
  const parts = [arrowHeads()];
  for (let t = 1; t <= T; t++) parts.push(...arrows(values, t, T));
  for (let t = 1; t <= T; t++) parts.push(...nodes(inputs, values, t));
  const first = { x: S_0.middle, y: ROW.s, width: S_0.width, height: NODE.s };
  parts.push(node("s_0", "s_0", given(inputs.s_0), first, "given"));
  const total = { ...TOTAL, x: middleOf(T) + TOTAL.middle, y: ROW.L };
  parts.push(arrow("L", [middleOf(T) + NODE.width / 2, ROW.L],
    [total.x - TOTAL.width / 2, ROW.L], "forward"));
  parts.push(node("L", "L", computed([values.loss]), total, "forward"));
  const width = total.x + TOTAL.width / 2 + 8;
  return { width, height: ROW.x + 44, body: parts.join("") };
}

function nodes(inputs, values, t) {
  const i = t - 1, x = middleOf(t), { width } = NODE;
  const at = row => ({ x, y: ROW[row], width, height: NODE[row] });
  const target = { ...Y_NODE, x: x - Y_NODE.middle, y: ROW.L };
  return [
    node(`y_${t}`, `y_${t}`, given(inputs.ys[i]), target, "given"),
    node(`L_${t}`, `L_${t}`, computed([values.losses[i]]), at("L"), "forward"),
    node(`o_${t}`, `o_${t}`, computed(values.outputs[i]), at("o"), "forward"),
    node(`s_${t}`, `s_${t}`, computed(values.states[i]), at("s"), "forward"),
    node(`x_${t}`, `x_${t}`, given(inputs.xs[i]), at("x"), "given"),
  ];
}

function arrows(values, t, T) {
  const i = t - 1, x = middleOf(t);
  const top = row => ROW[row] - NODE[row] / 2, bottom = row => ROW[row] + NODE[row] / 2;
  const up = (key, low, high) =>
    arrow(key, [x - LANE, top(low)], [x - LANE, bottom(high)], "forward");
  const down = (key, high, low) =>
    arrow(key, [x + LANE, bottom(high)], [x + LANE, top(low)], "backward");
  const beside = (side, low, high) => [
    x + side * (LANE + 10), (top(low) + bottom(high)) / 2, side < 0 ? "end" : "start",
  ];
  const start = t === 1 ? S_0.middle + S_0.width / 2 : middleOf(t - 1) + NODE.width / 2;
  const end = x - NODE.width / 2, middle = (start + end) / 2;
  const drawn = [
    arrow(`L_${t}`, [x - Y_NODE.middle + Y_NODE.width / 2, ROW.L],
      [x - NODE.width / 2, ROW.L], "forward"),
    up(`Ux_${t}`, "x", "s"),
    label(`Ux_${t}`, `U x_${t} + b_s`, values.projected[i], beside(-1, "x", "s"), "forward"),
    up(`Vs_${t}`, "s", "o"),
    label(`Vs_${t}`, `V s_${t} + b_o`, values.logits[i], beside(-1, "s", "o"), "forward"),
    up(`L_${t}`, "o", "L"),
    arrow(`Ws_${t}`, [start, ROW.s - LANE], [end, ROW.s - LANE], "forward"),
    label(`Ws_${t}`, `W s_${t - 1}`, values.recurrent[i],
      [middle, ROW.s - LANE - 34, "middle"], "forward"),
    down(`δᵒ_${t}`, "L", "o"),
    label(`δᵒ_${t}`, `δᵒ_${t}`, values.output_deltas[i], beside(1, "o", "L"), "backward"),
    down(`Vδ_${t}`, "o", "s"),
    label(`Vδ_${t}`, `Vᵀδᵒ_${t}`, values.d_from_output[i], beside(1, "s", "o"), "backward"),
    down(`δ_${t}`, "s", "x"),
    label(`δ_${t}`, `δ_${t}`, values.state_deltas[i], beside(1, "x", "s"), "backward"),
  ];
  if (t < T) {
    const from = x + COLUMN - NODE.width / 2, to = x + NODE.width / 2;
    drawn.push(
      arrow(`Wδ_${t + 1}`, [from, ROW.s + LANE], [to, ROW.s + LANE], "backward"),
      label(`Wδ_${t + 1}`, `Wᵀδ_${t + 1}`, values.d_from_next[i],
        [(from + to) / 2, ROW.s + LANE + 36, "middle"], "backward"),
    );
  }
  return drawn;
}

// Marks -----------------------------------------------------------------------

function arrowHeads() {
  const head = kind => `<marker id="head-${kind}" viewBox="0 0 8 8" refX="7.5" refY="4"
    markerUnits="userSpaceOnUse" markerWidth="12" markerHeight="12" orient="auto"><path d="M0 0L8 4L0 8z"
    class="head ${kind}"/></marker>`;
  return `<defs>${["forward", "backward", "later"].map(head).join("")}</defs>`;
}

function arrow(key, [x1, y1], [x2, y2], kind) {
  return `<path class="arrow ${kind}" data-part="${key}" d="M${x1} ${y1}L${x2} ${y2}"/>`;
}

function node(key, name, lines, { x, y, width, height }, kind) {
  const left = x - width / 2;
  return `<g class="node ${kind}" data-part="${key}">
    <rect x="${left}" y="${y - height / 2}" width="${width}" height="${height}" rx="10"/>
    <text class="name" x="${left + 14}" y="${y}" dy=".35em">${subscripted(name)}</text>
    ${stack(lines, left + width - 12, y, "end")}</g>`;
}

function label(key, name, vector, [x, y, anchor], kind) {
  const lines = computed(vector);
  const shift = LEADING / 2;
  const top = y - lines.length * shift;
  const width = 92, height = (lines.length + 1) * LEADING + 4;
  const left = { start: x - 5, middle: x - width / 2, end: x - width + 5 }[anchor];
  return `<g class="label ${kind}" data-part="${key}">
    <rect x="${left}" y="${y - height / 2}" width="${width}" height="${height}" rx="6"/>
    <text class="name" x="${x}" y="${top}" dy=".35em" text-anchor="${anchor}"
      >${subscripted(name)}</text>
    ${stack(lines, x, y + shift, anchor)}</g>`;
}

// Numbers below each other, their middle at y.
function stack(lines, x, y, anchor) {
  const top = y - (lines.length - 1) * LEADING / 2;
  return lines.map((text, i) => `<text class="value" x="${x}" y="${top + i * LEADING}"
    dy=".35em" text-anchor="${anchor}">${text}</text>`).join("");
}

const subscripted = name => name.replace(/_(\w)/g,
  '<tspan class="below" dy=".25em">$1</tspan><tspan dy="-.25em">\u200b</tspan>');
