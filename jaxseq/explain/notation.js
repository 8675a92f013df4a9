// Equations as MathML, written as in the comments of network.js.
//
//   math`s_${t} = tanh(U x_${t})`        a string is part of the text
//   math`L = ${3.42692}`                 a number is written to the digits chosen
//   math`δ_1 = ${[0.5, 0.25]}`           a vector stands upright, a matrix in rows

let digits = 5; // behind the point; the lecture's

// Text without MathML: for the drawing, and to be read aloud.
function decimals(value, places = digits) {
  const size = Math.abs(value);
  const isLong = size >= 1e6 || (places > 5 && size > 0 && size < 10 ** -places);
  const text = isLong ? value.toExponential(places) : value.toFixed(places);
  const isZero = !/[1-9]/.test(text);
  return isZero ? text.replace("-", "") : text.replaceAll("-", "−");
}

const exact = value => String(value).replace("-", "−");

// Whether all numbers have fewer digits than asked for, as 0.1 and 0 have: then they are
// written as they are, and are exact; 1.00000 has been rounded.
const areShort = (numbers, places = digits) => numbers.every(value =>
  /^-?\d{1,6}(\.\d+)?$/.test(value) && (String(value).split(".")[1] ?? "").length < places);

const plain = value => Array.isArray(value)
  ? `(${value.map(plain).join(", ")})`
  : decimals(value);

const FIRST = 0xe000; // private characters stand for what is no text
const MARK = "[\\ue000-\\uf8ff]";
const SUBSCRIPT = "(?:_(?:\\{([^}]*)\\}|([0-9A-Za-z]+)))?";
const TOKEN = new RegExp([
  `(${MARK})`, // 1
  `∂L/∂([a-z])${SUBSCRIPT}`, // 2, 3, 4
  `(∑|Σ)${SUBSCRIPT}`, // 5, 6, 7
  `(tanh|softmax|log|δᵒ|∇b|∇[A-Z]|[A-Za-zδ])${SUBSCRIPT}([ᵀ²])?`, // 8, 9, 10, 11
  "(\\d+(?:\\.\\d+)?)", // 12
  "(\\S)", // 13
].join("|"), "gu");

function math(strings, ...values) {
  const parts = [];
  const text = strings.reduce((before, string, i) => {
    const value = values[i - 1];
    if (typeof value === "string") return before + value + string;
    parts.push(Array.isArray(value) ? array(value) : number(value));
    return before + String.fromCharCode(FIRST + parts.length - 1) + string;
  });
  return `<math>${row(text, parts)}</math>`;
}

function row(text, parts = []) {
  const nodes = [...text.matchAll(TOKEN)].map(found => {
    const [, mark, below, belowA, belowB, big, bigA, bigB] = found;
    const [name, nameA, nameB, mark2, digitsFound, other] = found.slice(8);
    if (mark) return parts[mark.charCodeAt(0) - FIRST];
    if (below) {
      const under = `<mi>∂</mi>${indexed(`<mi>${below}</mi>`, belowA ?? belowB)}`;
      return `<mfrac><mrow><mi>∂</mi><mi>L</mi></mrow><mrow>${under}</mrow></mfrac>`;
    }
    if (big) return indexed("<mo>∑</mo>", bigA ?? bigB);
    // The o of δᵒ is a letter above, as a power is.
    if (name === "δᵒ") return indexed(letter("δ"), nameA ?? nameB, "ᵒ");
    if (name) return indexed(letter(name), nameA ?? nameB, mark2);
    if (digitsFound) return `<mn>${digitsFound}</mn>`;
    return `<mo>${other === "-" ? "−" : other}</mo>`;
  });
  return `<mrow>${nodes.join("")}</mrow>`;
}

function letter(name) {
  if (name[0] === "∇") return `<mrow><mo>∇</mo><mi>${name.slice(1)}</mi></mrow>`;
  const space = name.length > 1 ? '<mspace width="0.1em"></mspace>' : "";
  return `<mi>${name}</mi>${space}`;
}

function indexed(base, below, above) {
  const raised = {
    "ᵀ": '<mi mathvariant="normal">T</mi>', "²": "<mn>2</mn>", "ᵒ": "<mi>o</mi>",
  }[above];
  const lower = below === undefined ? undefined : row(below);
  if (lower && raised) return `<msubsup>${base}${lower}${raised}</msubsup>`;
  if (lower) return `<msub>${base}${lower}</msub>`;
  return raised ? `<msup>${base}${raised}</msup>` : base;
}

const number = (value, write = decimals) =>
  `<mn data-number="${value}">${write(value)}</mn>`;

// Brackets are borders: they fit whatever font for mathematics there is.
function array(values) {
  const rows = values.map(value => Array.isArray(value) ? value : [value]);
  const write = areShort(rows.flat()) ? exact : x => decimals(x);
  const cells = rows.map(each =>
    each.map(x => `<mtd>${number(x, write)}</mtd>`).join(""));
  const body = cells.map(each => `<mtr>${each}</mtr>`).join("");
  return `<mtable class="array">${body}</mtable>`;
}
