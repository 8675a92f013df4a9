// What the page shows and what its controls do.

// The stage at which each slip is shown, by name.
const SHOWN_AT = {
  a: () => "sumU", b: T => T < 3 ? "" : "bp12", c: T => `bp4v${T}`, d: T => `bp2${T}`,
  e: () => "output1",
};
const MAX_STEPS = 6;

const $ = id => document.getElementById(id);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

let inputs = lectureInputs(); // the last valid ones
let values, stages, current = 0;
let words = WORDS[document.documentElement.lang];

// Letters of the equations as HTML: U, s_1, b_o, s_{t−1}.
const prose = text => text
  .replace(/(^|[^\w])([UVW])(?!\w)/g, "$1<var>$2</var>")
  .replace(/([A-Za-zδ])_(?:\{([^}]+)\}|(\w))/g,
    (_, letter, long, one) => `<var>${letter}</var><sub>${long ?? one}</sub>`);

// Showing ---------------------------------------------------------------------

// After a change of numbers, digits or language.
function refresh() {
  values = compute(inputs);
  stages = stagesOf(inputs, values, words);
  const { width, height, body } = drawing(inputs, values);
  $("graph").innerHTML = `<svg viewBox="0 0 ${width} ${height}" role="img"
    aria-label="${words.graph}" style="--natural: ${width}px">${body}</svg>`;
  $("slider").max = stages.length - 1;
  show(Math.min(current, stages.length - 1));
  showCheck();
}

function show(place) {
  current = place;
  const now = stages[current];
  const position = fill(words.position, { n: current + 1, total: stages.length });
  const title = now.title.replaceAll("_", " ");
  $("slider").value = current;
  $("slider").setAttribute("aria-valuetext", `${position}: ${title}`);
  $("position").textContent = position;
  $("kind").textContent = words[now.kind];
  $("kind").className = `chip ${now.kind}`;
  $("stage-title").innerHTML = prose(now.title);
  $("stage-text").innerHTML = prose(now.text);
  $("lines").innerHTML = now.lines.map(lineHtml).join("");
  $("slip").innerHTML = now.slip ? slipHtml(now.slip) : "";
  $("slip").hidden = !now.slip;
  $("spoken").textContent = `${position}. ${title}. ${now.spoken}`;
  for (const id of ["first", "previous"]) setDisabled($(id), current === 0);
  for (const id of ["next", "last"]) setDisabled($(id), current === stages.length - 1);
  showParts(now);
  showGradients();
  // The keyboard reaches what is wider than its box, to scroll it; not the rest.
  for (const box of all(".scroll")) {
    box.toggleAttribute("tabindex", false);
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
  }
}

// Not `disabled`: the keyboard would lose its place.
const setDisabled = (button, is) => button.setAttribute("aria-disabled", is);

function lineHtml({ name, says, equation, numbers, result }) {
  const chip = name ? `<span class="equation-name">${name}</span>` : "";
  const pieces = [["equation", equation], ["numbers", numbers], ["result", result]];
  const shown = pieces.filter(([, html]) => html)
    .map(([kind, html]) => `<div class="piece ${kind}">${html}</div>`);
  return `<div class="line">${chip}<div class="scroll" role="group"
    aria-label="${says}"><div class="pieces">${shown.join("")}</div></div></div>`;
}

function slipHtml({ letter, lines }) {
  const rows = lines.map(({ label, value }) => `<dt>${words[label]}</dt>
    <dd class="scroll ${label}">${value}</dd>`);
  return `<h3>${fill(words.slip, { letter })}</h3>
    <p>${prose(words[`slip_${letter}`])}</p><dl>${rows.join("")}</dl>`;
}

// Parts of the drawing: still to come, known, read now, computed now.
function showParts(now) {
  const known = new Set(stages.slice(0, current + 1).flatMap(each => each.now));
  for (const part of all("[data-part]")) {
    const key = part.dataset.part;
    part.classList.toggle("later", !known.has(key));
    part.classList.toggle("now", now.kind !== "exercise" && now.now.includes(key));
    part.classList.toggle("used", now.uses.includes(key));
  }
  const box = $("graph"), frame = box.getBoundingClientRect();
  const marked = all(now.now.length ? ".now" : ".used", box);
  if (!marked.length) return void (box.scrollLeft = 0);
  const sides = marked.map(part => part.getBoundingClientRect());
  const middle = (Math.min(...sides.map(side => side.left))
    + Math.max(...sides.map(side => side.right))) / 2;
  const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  box.scrollBy({
    left: middle - (frame.left + frame.right) / 2,
    behavior: isCalm ? "instant" : "smooth",
  });
}

// Each gradient, as far as its terms have been reached.
function showGradients() {
  const reached = stages.slice(0, current + 1);
  for (const name of WEIGHTS) {
    const steps = reached.flatMap(each => each.adds[name] ?? []).sort();
    const parts = steps.map(t => values.parts[name][t - 1]);
    const place = document.querySelector(`[data-gradient="${name}"]`);
    place.innerHTML = parts.length
      ? math`∇${name} = ${sum(parts)}` : math`∇${name} = ···`;
    place.classList.toggle("now", name in stages[current].adds);
  }
}

function showCheck() {
  const [name, ...place] = $("check-entry").value.split(",");
  const analytic = place.reduce((rows, i) => rows[i], values.gradients[name]);
  const numeric = centralDifference(inputs, name, place);
  $("check-analytic").textContent = analytic.toPrecision(10).replaceAll("-", "−");
  $("check-numeric").textContent = numeric.toPrecision(10).replaceAll("-", "−");
  const difference = Math.abs(analytic - numeric).toExponential(1);
  $("check-difference").textContent = difference.replaceAll("-", "−");
}

// Building --------------------------------------------------------------------

// After a change of language, of the number of steps, or all numbers anew.
function build() {
  const T = inputs.xs.length;
  document.title = words.title;
  for (const each of all("[data-word]")) each.innerHTML = prose(words[each.dataset.word]);
  for (const each of all("[data-label]")) {
    each.setAttribute("aria-label", words[each.dataset.label]);
    if (each.tagName === "BUTTON") each.title = words[each.dataset.label];
  }
  const group = name => fieldGroup(inputs, name, words);
  $("weights").innerHTML = WEIGHTS.map(group).join("");
  $("sequence").innerHTML = group("s_0") + inputs.xs.map((_, i) =>
    `<div class="pair" role="group" aria-label="${fill(words.step, { t: i + 1 })}">
      <h4>${fill(words.step, { t: i + 1 })}</h4>
      ${group(`x_${i + 1}`)}${group(`y_${i + 1}`)}</div>`).join("");
  setDisabled($("add-step"), T === MAX_STEPS);
  setDisabled($("remove-step"), T === 1);
  buildCheck();
  $("slip-list").innerHTML = Object.keys(SHOWN_AT).map(letter => `<li>
    <span>(${letter})</span><p>${prose(words[`slip_${letter}`])}</p>
    <button type="button" data-letter="${letter}" aria-disabled="${
      !SHOWN_AT[letter](T)}" aria-label="${words.show_step} (${letter})">${
      words.show_step}</button></li>`).join("");
  showProblems({});
  refresh();
}

function buildCheck() {
  const chosen = $("check-entry").value || "W,0,0";
  $("check-entry").innerHTML = WEIGHTS.map(name => {
    const places = inputs[name].flatMap((row, i) =>
      Array.isArray(row) ? row.map((_, j) => [i, j]) : [[i]]);
    const options = places.map(place => `<option value="${[name, ...place]}">${name}[${
      place.map(index => index + 1).join(", ")}]</option>`);
    return `<optgroup label="${name}">${options.join("")}</optgroup>`;
  }).join("");
  $("check-entry").value = chosen;
}

function showProblems(problems) {
  const messages = Object.values(problems);
  $("problems").textContent = messages.length
    ? `${messages[0]} ${words.kept}` : words.valid;
  $("problems").classList.toggle("wrong", messages.length > 0);
}

// Controls --------------------------------------------------------------------

function changed() {
  const read = readFields($("numbers"), inputs, words);
  showProblems(read.problems);
  if (!read.inputs) return;
  inputs = read.inputs;
  refresh();
}

function setSteps(T) {
  if (T < 1 || T > MAX_STEPS) return;
  const share = current / (stages.length - 1);
  for (const steps of [inputs.xs, inputs.ys]) {
    while (steps.length > T) steps.pop();
    while (steps.length < T) steps.push([...steps.at(-1)]);
  }
  // The same share of the way: the ends stay ends.
  stages = stagesOf(inputs, compute(inputs), words);
  current = Math.round(share * (stages.length - 1));
  build();
}

function setLanguage(language) {
  document.documentElement.lang = language;
  words = WORDS[language];
  for (const button of all("[data-language]")) {
    button.setAttribute("aria-pressed", button.dataset.language === language);
  }
  build();
}

function move(place) {
  if (place >= 0 && place < stages.length) show(place);
}

const ON_CLICK = {
  first: () => move(0),
  previous: () => move(current - 1),
  next: () => move(current + 1),
  last: () => move(stages.length - 1),
  "add-step": () => setSteps(inputs.xs.length + 1),
  "remove-step": () => setSteps(inputs.xs.length - 1),
  reset: () => { inputs = lectureInputs(); build(); },
};
for (const [id, act] of Object.entries(ON_CLICK)) $(id).addEventListener("click", act);
for (const button of all("[data-language]")) {
  button.addEventListener("click", () => setLanguage(button.dataset.language));
}
$("slider").addEventListener("input", event => move(Number(event.target.value)));
$("numbers").addEventListener("input", ({ target }) => {
  target.style.setProperty("--length", shownLength(target.value));
  changed();
});
$("digits").addEventListener("change", event => {
  digits = Number(event.target.value);
  refresh();
});
$("check-entry").addEventListener("change", showCheck);
$("slip-list").addEventListener("click", event => {
  const { letter } = event.target.dataset;
  if (!letter) return;
  const name = SHOWN_AT[letter](inputs.xs.length);
  move(stages.findIndex(each => each.name === name));
  $("slider").focus();
});
// The arrow keys move from wherever they have no other use.
document.addEventListener("keydown", event => {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  const isTaken = event.target.closest("input, select, .scroll");
  if (!step || isTaken || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  move(current + step);
});

setLanguage(document.documentElement.lang);

// For the browser's console, and for tests.
window.jaxseq = { compute, lectureInputs, stages: () => stages };
