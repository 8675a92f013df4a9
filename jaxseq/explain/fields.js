// The fields in which every given number can be changed, and what they accept.

const LIMIT = 1e6; // of a number's size
const SUM_TOLERANCE = 1e-9; // of the targets' sum
const MOST_SHOWN = 24; // characters of a number, side by side
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

// The vector or matrix of a name: "U", "s_0", "x_2".
function quantity(inputs, name) {
  const [letter, t] = name.split("_");
  const steps = { x: inputs.xs, y: inputs.ys }[letter];
  return steps ? steps[t - 1] : inputs[name];
}

function fieldNames(inputs) {
  const steps = inputs.xs.map((_, i) => i + 1);
  return [...WEIGHTS, "s_0", ...steps.flatMap(t => [`x_${t}`, `y_${t}`])];
}

// HTML of one quantity; of a weight with the place of its gradient.
function fieldGroup(inputs, name, words) {
  const rows = quantity(inputs, name).map((row, i) => {
    const cells = Array.isArray(row)
      ? row.map((x, j) => field(name, x, [i, j], words)) : [field(name, row, [i], words)];
    return `<tr>${cells.map(cell => `<td>${cell}</td>`).join("")}</tr>`;
  });
  const gradient = WEIGHTS.includes(name)
    ? `<div class="scroll gradient" data-gradient="${name}"></div>` : "";
  return `<fieldset data-quantity="${name}"><legend>${prose(name)}</legend>
    <div class="scroll"><table role="presentation" class="array">${
      rows.join("")}</table></div>
    <p class="problem" id="problem-${name}" hidden></p>${gradient}</fieldset>`;
}

function field(name, value, place, words) {
  const [i, j] = place.map(index => index + 1);
  const key = place.length === 2 ? "matrix_entry" : "vector_entry";
  return `<input type="text" inputmode="text" autocomplete="off" spellcheck="false"
    aria-label="${fill(words[key], { name, i, j })}" value="${value}"
    aria-describedby="problem-${name}" data-place="${place}"
    style="--length: ${shownLength(String(value))}">`;
}

// How many characters wide a field is, so that its number is seen whole.
const shownLength = text => Math.min(text.length, MOST_SHOWN);

// Reads every field: the inputs if all are valid (else null), problems by name.
function readFields(root, inputs, words) {
  const read = structuredClone(inputs), problems = {};
  for (const group of root.querySelectorAll("[data-quantity]")) {
    const name = group.dataset.quantity, target = quantity(read, name);
    for (const input of group.querySelectorAll("input")) {
      const value = parsed(input.value);
      const place = input.dataset.place.split(",");
      const row = place.length === 2 ? target[place[0]] : target;
      row[place.at(-1)] = value;
      input.toggleAttribute("aria-invalid", false);
      if (value === null) {
        input.setAttribute("aria-invalid", "true");
        problems[name] ??= fill(words.expected_number, { name, got: input.value });
      }
    }
    if (name.startsWith("y_") && !(name in problems) && !isDistribution(target)) {
      const got = `(${target.join(", ")})`;
      problems[name] = fill(words.expected_targets, { name, got });
      for (const input of group.querySelectorAll("input")) {
        input.setAttribute("aria-invalid", "true");
      }
    }
    const message = group.querySelector(".problem");
    message.textContent = problems[name] ?? "";
    message.hidden = !(name in problems);
  }
  return { inputs: Object.keys(problems).length ? null : read, problems };
}

// The number that a text is, or null.
function parsed(text) {
  const ascii = text.trim().replace("−", "-");
  const value = NUMBER.test(ascii) ? Number(ascii) : NaN;
  return Math.abs(value) <= LIMIT ? value : null;
}

const isDistribution = y => y.every(y_k => y_k >= 0)
  && Math.abs(sum(y) - 1) <= SUM_TOLERANCE;
