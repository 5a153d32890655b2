// Pictures of a model in training, on canvas: functions of numbers, which remember nothing.

const SIDE = 41; // points along a side of the decision surface
const UNDECIDED = 0.02; // outputs this near ½ are no answer
const [FOR_0, FOR_1] = [[230, 159, 0], [0, 114, 178]];

// A canvas made as sharp as the screen is; colours are those of the page.
function prepared(canvas) {
  const { width, height } = canvas.getBoundingClientRect();
  const ratio = Math.min(window.devicePixelRatio || 1, 2);
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  const style = getComputedStyle(canvas);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  context.font = `12px ${style.fontFamily}`;
  context.lineJoin = "round";
  return { context, width, height, text: colour("text"), quiet: colour("quiet"), rule: colour("rule"), ground: colour("ground") };
}

// ---- the decision surface of two inputs

// What is seen: the inputs and a margin around them.
function boxOf(inputs) {
  return [0, 1].map((i) => {
    const values = inputs.map((row) => row[i]);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const margin = 0.35 * (high - low || 1);
    return [low - margin, high + margin];
  });
}

function gridOf(box) {
  const along = ([low, high], k) => low + ((high - low) * k) / (SIDE - 1);
  return Array.from({ length: SIDE * SIDE }, (_, k) => [along(box[0], k % SIDE), along(box[1], Math.floor(k / SIDE))]);
}

// Where the box lies on the canvas: a place of the plane → pixels, and back.
function surfacePlace(width, height, box) {
  const size = Math.min(width - 26, height - 26);
  const [left, top] = [(width - size) / 2 + 8, (height - size) / 2 - 8];
  const part = (value, [low, high]) => (value - low) / (high - low);
  return {
    size, left, top,
    at: ([x, y]) => [left + size * part(x, box[0]), top + size * (1 - part(y, box[1]))],
    from: (px, py) => [
      box[0][0] + ((px - left) / size) * (box[0][1] - box[0][0]),
      box[1][0] + (1 - (py - top) / size) * (box[1][1] - box[1][0]),
    ],
  };
}

function mixed(share, ground) {
  const p = Math.max(0, Math.min(1, share));
  const strength = 0.8 * Math.abs(2 * p - 1) ** 0.7;
  return (p < 0.5 ? FOR_0 : FOR_1).map((value, k) => Math.round(ground[k] + (value - ground[k]) * strength));
}

// What a surface without a line of output ½ says instead.
function sideOf(outputs) {
  if (outputs.every((p) => Math.abs(p - 0.5) <= UNDECIDED)) return "output about ½ everywhere";
  if (outputs.every((p) => p > 0.5)) return "output above ½ everywhere in view";
  return outputs.every((p) => p < 0.5) ? "output below ½ everywhere in view" : "";
}

function drawSurface(canvas, { outputs, box, inputs, targets, line }) {
  const { context, width, height, text, quiet, rule, ground } = prepared(canvas);
  const place = surfacePlace(width, height, box);
  const paper = /^#[0-9a-f]{6}$/i.test(ground) ? [1, 3, 5].map((k) => parseInt(ground.slice(k, k + 2), 16)) : [255, 255, 255];
  const picture = drawSurface.picture ??= Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE });
  const image = picture.getContext("2d").createImageData(SIDE, SIDE);
  for (let k = 0; k < SIDE * SIDE; k += 1) {
    const at = 4 * ((SIDE - 1 - Math.floor(k / SIDE)) * SIDE + (k % SIDE));
    const [red, green, blue] = Number.isFinite(outputs[k]) ? mixed(outputs[k], paper) : [128, 128, 128];
    image.data.set([red, green, blue, 255], at);
  }
  picture.getContext("2d").putImageData(image, 0, 0);
  context.imageSmoothingEnabled = true;
  context.drawImage(picture, place.left, place.top, place.size, place.size);
  context.strokeStyle = rule;
  context.strokeRect(place.left, place.top, place.size, place.size);
  context.save();
  context.beginPath();
  context.rect(place.left, place.top, place.size, place.size);
  context.clip();
  if (outputs.some((p) => Math.abs(p - 0.5) > UNDECIDED)) strokeContour(context, outputs, box, place, text);
  if (line) strokeLine(context, line, place, text);
  context.restore();
  inputs.forEach((point, m) => drawPoint(context, place.at(point), targets[m], text));
  context.textAlign = "center";
  context.fillStyle = text;
  context.strokeStyle = ground;
  context.lineWidth = 4;
  for (const draw of ["strokeText", "fillText"]) context[draw](sideOf(outputs), place.left + place.size / 2, place.top + 20);
  context.fillStyle = quiet;
  context.fillText("input 1", place.left + place.size / 2, place.top + place.size + 16);
  context.save();
  context.translate(place.left - 8, place.top + place.size / 2);
  context.rotate(-Math.PI / 2);
  context.fillText("input 2", 0, 0);
  context.restore();
}

// Where the output is ½: marching squares.
function strokeContour(context, outputs, box, place, colour) {
  context.beginPath();
  const value = (i, j) => outputs[j * SIDE + i] - 0.5;
  const at = (i, j) => place.at([
    box[0][0] + ((box[0][1] - box[0][0]) * i) / (SIDE - 1), box[1][0] + ((box[1][1] - box[1][0]) * j) / (SIDE - 1),
  ]);
  for (let j = 0; j < SIDE - 1; j += 1) {
    for (let i = 0; i < SIDE - 1; i += 1) {
      const corners = [[i, j], [i + 1, j], [i + 1, j + 1], [i, j + 1]];
      const crossings = [];
      for (let k = 0; k < 4; k += 1) {
        const [from, to] = [corners[k], corners[(k + 1) % 4]];
        const [a, b] = [value(...from), value(...to)];
        if (a < 0 === b < 0 || !Number.isFinite(a + b)) continue;
        const share = a / (a - b);
        crossings.push(at(from[0] + (to[0] - from[0]) * share, from[1] + (to[1] - from[1]) * share));
      }
      for (let k = 0; k + 1 < crossings.length; k += 2) {
        context.moveTo(...crossings[k]);
        context.lineTo(...crossings[k + 1]);
      }
    }
  }
  context.lineWidth = 2;
  context.strokeStyle = colour;
  context.stroke();
}

function drawPoint(context, [x, y], target, colour) {
  context.beginPath();
  context.arc(x, y, 10, 0, 2 * Math.PI);
  context.fillStyle = `rgb(${(target < 0.5 ? FOR_0 : FOR_1).join()})`;
  context.fill();
  context.lineWidth = 1.5;
  context.strokeStyle = colour;
  context.stroke();
  context.fillStyle = target < 0.5 ? "#000" : "#fff";
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(Number.isInteger(target) ? String(target) : target.toFixed(1), x, y + 0.5);
  context.textBaseline = "alphabetic";
}

// A line drawn by hand, with its two handles.
function strokeLine(context, [from, to], place, colour) {
  const [[x1, y1], [x2, y2]] = [place.at(from), place.at(to)];
  const [dx, dy] = [x2 - x1, y2 - y1];
  context.beginPath();
  context.moveTo(x1 - 20 * dx, y1 - 20 * dy);
  context.lineTo(x2 + 20 * dx, y2 + 20 * dy);
  context.lineWidth = 2.5;
  context.setLineDash([7, 4]);
  context.strokeStyle = colour;
  context.stroke();
  context.setLineDash([]);
  for (const [x, y] of [[x1, y1], [x2, y2]]) {
    context.beginPath();
    context.arc(x, y, 7, 0, 2 * Math.PI);
    context.fillStyle = "#fff";
    context.fill();
    context.stroke();
  }
}

// ---- the outputs for each row of a table of more, or fewer, inputs

function drawRows(canvas, { outputs, inputs, targets }) {
  const { context, width, height, text, quiet, rule } = prepared(canvas);
  const n = targets.length;
  const [left, top, bottom] = [30, 10, n <= 16 ? 22 + 11 * inputs[0].length : 44];
  const step = (width - left - 6) / n;
  const y = (value) => top + (height - top - bottom) * (1 - Math.max(-0.1, Math.min(1.1, value)));
  context.fillStyle = quiet;
  context.textAlign = "right";
  for (const value of [0, 0.5, 1]) {
    context.fillText(value === 0.5 ? "½" : String(value), left - 5, y(value) + 4);
    context.fillStyle = rule;
    context.fillRect(left, y(value), width - left - 6, 1);
    context.fillStyle = quiet;
  }
  context.textAlign = "center";
  for (let m = 0; m < n; m += 1) {
    const x = left + step * (m + 0.5);
    const bar = Math.min(18, step * 0.62);
    context.fillStyle = `rgb(${(targets[m] < 0.5 ? FOR_0 : FOR_1).join()})`;
    context.fillRect(x - bar / 2, Math.min(y(outputs[m]), y(0)), bar, Math.max(1, Math.abs(y(outputs[m]) - y(0))));
    context.fillStyle = text;
    context.fillRect(x - step * 0.42, y(targets[m]) - 1, step * 0.84, 2);
    if (n > 16) continue;
    context.fillStyle = quiet;
    inputs[m].forEach((value, i) => context.fillText(String(value), x, height - bottom + 16 + 11 * i));
  }
  if (n <= 16) return;
  context.fillStyle = quiet;
  context.fillText(`${n} rows: target a dash, output a bar`, width / 2, height - 6);
}

// ---- the learning curve

function drawCurve(canvas, { kept, until, seen, target, median, mostEpochs }) {
  const { context, width, height, text, quiet, rule } = prepared(canvas);
  const [left, right, top, bottom] = [46, 24, 12, 34];
  const losses = kept.map(({ loss }) => loss).filter((loss) => Number.isFinite(loss) && loss > 0);
  const [low, high] = [Math.min(target ?? Infinity, ...losses) * 0.7, Math.max(...losses, 1e-300) * 1.4];
  const scale = Math.log10(high / low) || 1;
  const x = (epochs) => left + (width - left - right) * (Math.log1p(epochs) / Math.log1p(Math.max(1, mostEpochs)));
  const y = (loss) => top + (height - top - bottom) * (1 - Math.log10(Math.min(Math.max(loss, low), high) / low) / scale);
  context.fillStyle = quiet;
  context.textAlign = "center";
  for (let power = 0; power <= 6; power += 1) {
    const epochs = 10 ** power;
    if (epochs > mostEpochs) break;
    context.fillText(power < 5 ? epochs.toLocaleString("en") : `10${"⁰¹²³⁴⁵⁶"[power]}`, x(epochs), height - bottom + 15);
    context.fillStyle = rule;
    context.fillRect(x(epochs), top, 1, height - top - bottom);
    context.fillStyle = quiet;
  }
  context.fillText("epochs", left + (width - left - right) / 2, height - 4);
  context.textAlign = "right";
  const every = Math.ceil(scale / 6);
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power += 1) {
    for (const first of scale < 1.5 ? [1, 2, 5] : [1]) {
      const value = first * 10 ** power;
      if (power % every || value < low || value > high) continue;
      context.fillText(power >= -4 && power <= 3 ? String(+value.toPrecision(3)) : `${first}e${power}`, left - 5, y(value) + 4);
      context.fillStyle = rule;
      context.fillRect(left, y(value), width - left - right, 1);
      context.fillStyle = quiet;
    }
  }
  context.textAlign = "left";
  context.fillText("loss", left + 4, top + 10);
  if (target) dashed(context, [left, y(target)], [width - right, y(target)], quiet, "target", [left + 4, y(target) - 4]);
  if (median !== undefined && median <= mostEpochs) {
    dashed(context, [x(median), top], [x(median), height - bottom], text, "", [0, 0]);
    context.textAlign = x(median) > width / 2 ? "right" : "left";
    context.fillText("median of its setting", x(median) + (x(median) > width / 2 ? -5 : 5), top + 10);
  }
  const path = (some, colour, thickness) => {
    context.beginPath();
    some.forEach(({ epochs, loss }, k) => context[k ? "lineTo" : "moveTo"](x(epochs), y(loss)));
    Object.assign(context, { strokeStyle: colour, lineWidth: thickness });
    context.stroke();
  };
  path(kept.filter(({ epochs }) => epochs <= seen), rule, 2);
  const walked = kept.filter(({ epochs }) => epochs <= until);
  path(walked, `rgb(${FOR_1.join()})`, 2.2);
  const last = walked.at(-1);
  if (!last) return;
  context.beginPath();
  context.arc(x(last.epochs), y(last.loss), 4, 0, 2 * Math.PI);
  context.fillStyle = `rgb(${FOR_1.join()})`;
  context.fill();
}

function dashed(context, from, to, colour, label, place) {
  context.beginPath();
  context.moveTo(...from);
  context.lineTo(...to);
  Object.assign(context, { strokeStyle: colour, lineWidth: 1 });
  context.setLineDash([4, 3]);
  context.stroke();
  context.setLineDash([]);
  context.fillStyle = colour;
  context.fillText(label, ...place);
}

// ---- the network: width says how large a weight is, colour its sign

function drawNetwork(canvas, { weights, n_inputs: n, hidden, direct }) {
  const { context, width, height, text, quiet, ground } = prepared(canvas);
  const columns = hidden ? [18, width / 2, width - 34] : [18, width - 34];
  const spread = (k, count) => 14 + ((height - 34) * (k + 0.5)) / count;
  const place = {
    input: (i) => [columns[0], spread(i, n)],
    unit: (j) => [columns[1], spread(j, hidden)],
    output: [columns.at(-1), spread(0, 1)],
  };
  const largest = Math.max(...weights.map(Math.abs).filter(Number.isFinite), 1e-12);
  const few = n * Math.max(hidden, 1) <= 6;
  const edge = (from, to, w, share) => {
    context.beginPath();
    context.moveTo(...from);
    context.lineTo(...to);
    context.lineWidth = Number.isFinite(w) ? 0.4 + 7 * Math.min(1, Math.abs(w) / Math.max(largest, 4)) : 1;
    context.strokeStyle = `rgb(${(w < 0 ? FOR_0 : FOR_1).join()})`;
    context.stroke();
    if (few) label(short(w), from[0] + (to[0] - from[0]) * share, from[1] + (to[1] - from[1]) * share);
  };
  const label = (words, x, y) => {
    context.textAlign = "center";
    context.strokeStyle = ground || "#fff";
    context.lineWidth = 4;
    context.strokeText(words, x, y + 4);
    context.fillStyle = text;
    context.fillText(words, x, y + 4);
  };
  for (let j = 0; j < hidden; j += 1) {
    for (let i = 0; i < n; i += 1) edge(place.input(i), place.unit(j), weights[j * n + i], 0.3);
    edge(place.unit(j), place.output, weights[hidden * n + hidden + j], 0.5);
  }
  const first = hidden * (n + 2);
  for (let i = 0; direct && i < n; i += 1) edge(place.input(i), place.output, weights[first + i], 0.5);
  const node = ([x, y], words) => {
    context.beginPath();
    context.arc(x, y, hidden > 12 || n > 6 ? 5 : 11, 0, 2 * Math.PI);
    Object.assign(context, { fillStyle: ground || "#fff", strokeStyle: text, lineWidth: 1.2 });
    context.fill();
    context.stroke();
    if (hidden > 12 || n > 6) return;
    context.fillStyle = text;
    context.textAlign = "center";
    context.fillText(words, x, y + 4);
  };
  for (let i = 0; i < n; i += 1) node(place.input(i), `x${"₁₂₃₄₅₆₇₈"[i]}`);
  context.fillStyle = quiet;
  for (let j = 0; j < hidden; j += 1) {
    node(place.unit(j), "h");
    if (hidden <= 4) label(`b ${short(weights[hidden * n + j])}`, place.unit(j)[0], place.unit(j)[1] + 20);
  }
  node(place.output, "p");
  label(`b ${short(weights.at(-1))}`, place.output[0], place.output[1] + 22);
}

function short(value) {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "not a number" : value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  return (size >= 1e4 || (size < 0.005 && size > 0) ? value.toExponential(0) : value.toFixed(size < 10 ? 2 : 1)).replaceAll("-", "−");
}
