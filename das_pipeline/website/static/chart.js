// Draws a selection as an SVG: lines over time, or bars for one moment. Series: { label, points: [{ value, text, isFinal }] }, with a point
// for each of `names`; a value may be null. Returns { svg, mark }; mark(i) points at the i-th name.
const COLOURS = ["--s1", "--s2", "--s3", "--s4", "--s5", "--s6"];
export const MOST = COLOURS.length;
const LABEL = 13, TICK = 12, LINE = 18;

export function node(tag, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

const text = (x, y, words, more = {}) => node("text", { x, y, fill: "var(--ink)", "font-size": LABEL, ...more }, words);
const colour = (i) => `var(${COLOURS[i % MOST]})`;

let brush;
function widthOf(words, size, weight = 400) {
  brush ??= document.createElement("canvas").getContext("2d");
  brush.font = `${weight} ${size}px ${getComputedStyle(document.body).fontFamily}`;
  return brush.measureText(words).width;
}

// The words in lines of at most `width` pixels.
export function wrapped(words, width, size = LABEL, weight = 400) {
  const lines = [""];
  for (const word of words.split(" ")) {
    const longer = lines.at(-1) ? `${lines.at(-1)} ${word}` : word;
    if (lines.at(-1) && widthOf(longer, size, weight) > width) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return lines;
}

// Even steps from zero that cover the values: between three and six.
function ticks(values) {
  const high = Math.max(0, ...values), low = Math.min(0, ...values), span = high - low || 1;
  const rough = span / 5, power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(power * [1, 2, 5, 10].find((by) => by * power >= rough), Math.min(1, power * 10));
  const found = [];
  for (let at = Math.floor(low / step); at <= Math.ceil(high / step); at++) found.push(at * step);
  return found;
}

// With `at` the names are places on an axis from zero, whose title is `axis`, and each line begins there at the value `begin`.
export function lines({ series, names, shortNames, width, write, breaks = [], at: places, begin, axis }) {
  const isWide = width >= 640;
  const right = isWide ? Math.min(300, width * 0.32) : 12;
  const scale = ticks([...(places ? [begin] : []), ...series.flatMap((s) => s.points.map((p) => p.value))].filter((v) => v !== null));
  const left = 10 + Math.max(...scale.map((v) => widthOf(write(v), TICK)));
  const legend = isWide ? [] : series.map((s) => wrapped(s.label, width - 34));
  const top = 12 + legend.flat().length * LINE + breaks.length * LINE, height = isWide ? 340 : 240, bottom = top + height;
  const x = (i) => left + ((width - left - right) * (places ? places[i] / places.at(-1) : names.length > 1 ? i / (names.length - 1) : 0.5));
  const y = (v) => bottom - (height * (v - scale[0])) / (scale.at(-1) - scale[0]);
  const below = bottom + (axis ? 46 : 28), svg = node("svg", { viewBox: `0 0 ${width} ${below}`, width, height: below, "aria-hidden": "true" });
  if (axis) svg.append(text((left + width - right) / 2, bottom + 40, axis, { "text-anchor": "middle", "font-size": TICK, fill: "var(--soft)" }));
  for (const v of scale) {
    svg.append(node("line", { x1: left, x2: width - right, y1: y(v), y2: y(v), stroke: v ? "var(--line)" : "var(--soft)" }));
    svg.append(text(left - 6, y(v) + 4, write(v), { "text-anchor": "end", "font-size": TICK, fill: "var(--soft)" }));
  }
  let free = -Infinity;
  names.forEach((_, i) => {
    const half = widthOf(shortNames[i], TICK) / 2, at = Math.max(half, Math.min(x(i), width - half));
    if (!shortNames[i] || at - half < free + 10) return;
    free = at + half;
    svg.append(text(at, bottom + 20, shortNames[i], { "text-anchor": "middle", "font-size": TICK, fill: "var(--soft)" }));
  });
  for (const [row, { at, label }] of breaks.toSorted((a, b) => a.at - b.at).entries()) {
    const above = top - 10 - (breaks.length - 1 - row) * LINE; // each label in a row of its own
    svg.append(node("line", { x1: x(at), x2: x(at), y1: above - 10, y2: bottom, stroke: "var(--other)", "stroke-dasharray": "6 4" }));
    const isLate = x(at) > width / 2;
    svg.append(text(x(at) + (isLate ? -6 : 6), above, label, { "font-size": TICK, fill: "var(--soft)", "text-anchor": isLate ? "end" : "start" }));
  }
  const labels = [];
  series.forEach((one, s) => {
    for (const [part, dash] of [[true, "none"], [false, "4 4"]]) {
      const d = path(one.points, x, y, part, places && `M${left},${y(begin).toFixed(1)}`);
      if (d) svg.append(node("path", { d, fill: "none", stroke: colour(s), "stroke-width": 2.5, "stroke-linejoin": "round", "stroke-dasharray": dash }));
    }
    const last = one.points.findLastIndex((p) => p.value !== null);
    if (last < 0) return;
    for (const i of places ? one.points.keys() : [last]) if (one.points[i].value !== null) svg.append(node("circle", { cx: x(i), cy: y(one.points[i].value), r: 4, fill: colour(s) }));
    labels.push({ s, at: y(one.points[last].value), words: wrapped(one.label, right - 22, LABEL, 600) });
  });
  if (isWide) besideEnds(svg, labels, width - right + 12, top, bottom);
  let row = 16;
  legend.forEach((label, s) => {
    svg.append(node("line", { x1: 2, x2: 22, y1: row - 4, y2: row - 4, stroke: colour(s), "stroke-width": 3 }));
    for (const words of label) svg.append(text(30, row, words)), (row += LINE);
  });
  const marker = node("g", { visibility: "hidden", class: "marker" });
  svg.append(marker);
  const mark = (i) => {
    marker.replaceChildren(node("line", { x1: x(i), x2: x(i), y1: top, y2: bottom, stroke: "var(--soft)" }));
    series.forEach((one, s) => one.points[i].value !== null
      && marker.append(node("circle", { cx: x(i), cy: y(one.points[i].value), r: 5, fill: "var(--card)", stroke: colour(s), "stroke-width": 3 })));
    marker.setAttribute("visibility", "visible");
  };
  const nearest = (px) => names.reduce((best, _, i) => (Math.abs(px - x(i)) < Math.abs(px - x(best)) ? i : best), 0);
  return { svg, mark, nearest };
}

// The path of the final points, or of the others: these begin at the last final point, so that the two join; the first one at `begin`.
function path(points, x, y, isFinal, begin) {
  let d = begin && points[0].value !== null && points[0].isFinal === isFinal ? begin : "", isOn = Boolean(d);
  points.forEach((p, i) => {
    const isPart = p.value !== null && (p.isFinal === isFinal || (!isFinal && points[i + 1]?.value != null && !points[i + 1].isFinal));
    if (isPart) d += `${isOn ? "L" : "M"}${x(i).toFixed(1)},${y(p.value).toFixed(1)}`;
    isOn = isPart;
  });
  return d.includes("L") ? d : "";
}

// The names of lines beside their ends, pushed apart until none overlaps.
function besideEnds(svg, labels, x, top, bottom) {
  labels.sort((a, b) => a.at - b.at);
  let low = top;
  for (const label of labels) {
    label.at = Math.max(label.at, low);
    low = label.at + label.words.length * LINE;
  }
  let high = bottom + LINE;
  for (const label of labels.toReversed()) {
    label.at = Math.min(label.at, high - label.words.length * LINE);
    high = label.at;
  }
  for (const { s, at, words } of labels) words.forEach((line, i) => svg.append(text(x, at + 5 + i * LINE, line, { "font-weight": 600, fill: colour(s) })));
}

export function bars({ series, names, width }) {
  const isWide = width >= 640, several = series.length > 1, thick = several ? 15 : 20;
  const left = isWide ? width * 0.34 : 0;
  const numbers = 14 + Math.max(...series.flatMap((s) => s.points.map((p) => widthOf(p.text, TICK))));
  const values = series.flatMap((s) => s.points.map((p) => p.value ?? 0)), most = Math.max(...values, 0) || 1, least = Math.min(...values, 0);
  const zero = left + (least < 0 ? numbers : 0), room = width - zero - numbers;
  const unit = room / (most - least), x = (v) => zero + (v - least) * unit;
  const drawn = [], tops = [];
  let y = 6;
  if (several) {
    series.forEach((one, s) => wrapped(one.label, width - 30).forEach((words, i) => {
      if (!i) drawn.push(node("rect", { x: 2, y, width: 14, height: 14, fill: colour(s) }));
      drawn.push(text(24, y + 12, words));
      y += LINE;
    }));
    y += 8;
  }
  names.forEach((name, i) => {
    tops.push(y);
    const label = wrapped(name, isWide ? left - 16 : width - 8), high = series.length * thick;
    const start = isWide ? y + Math.max(0, (label.length * LINE - high) / 2) : y + label.length * LINE + 2;
    label.forEach((words, line) => drawn.push(isWide
      ? text(left - 10, y + Math.max(0, (high - label.length * LINE) / 2) + 13 + line * LINE, words, { "text-anchor": "end" })
      : text(0, y + 13 + line * LINE, words)));
    series.forEach((one, s) => {
      const { value, text: words } = one.points[i], from = Math.min(x(0), x(value ?? 0)), to = Math.max(x(0), x(value ?? 0));
      if (value) drawn.push(node("rect", { x: from, y: start + s * thick, width: Math.max(to - from, 1), height: thick - 2, fill: colour(s) }));
      drawn.push(text((value < 0 ? from : to) + (value < 0 ? -5 : 5), start + s * thick + thick - 5, words, { "font-size": TICK, "text-anchor": value < 0 ? "end" : "start" }));
    });
    y = Math.max(start + high, isWide ? y + label.length * LINE : 0) + 8;
  });
  const svg = node("svg", { viewBox: `0 0 ${width} ${y}`, width, height: y, "aria-hidden": "true" });
  const marker = node("rect", { x: 0, width, fill: "var(--soft)", opacity: 0.13, visibility: "hidden", class: "marker" });
  svg.append(marker, ...drawn);
  const mark = (i) => {
    marker.setAttribute("y", tops[i] - 3);
    marker.setAttribute("height", (tops[i + 1] ?? y) - tops[i] - 2);
    marker.setAttribute("visibility", "visible");
  };
  return { svg, mark, nearest: (_, py) => Math.max(0, tops.findLastIndex((at) => at <= py)) };
}

// A map of tiles as website/tiles.py draws it: areas are { label, at: [x, y], value, text }.
export function tiles({ areas, columns, rows, width }) {
  const gap = 4, side = Math.min(112, (width - gap * (columns - 1)) / columns), step = side + gap, most = Math.max(...areas.map((a) => a.value ?? 0)) || 1;
  const size = side < 90 ? 11 : LABEL, [wide, high] = [columns, rows].map((n) => n * step - gap);
  const svg = node("svg", { viewBox: `0 0 ${wide} ${high}`, width: wide, height: high, "aria-hidden": "true" });
  for (const { label, at: [x, y], value, text: words } of areas) {
    const left = x * step, top = y * step, filled = (side * Math.max(value ?? 0, 0)) / most;
    svg.append(node("rect", { x: left, y: top, width: side, height: side, rx: 2, fill: "var(--card)", stroke: "var(--soft)" }),
      node("rect", { x: left, y: top + side - filled, width: side, height: filled, rx: 2, fill: "var(--justice)", opacity: 0.26 }));
    wrapped(label.replaceAll("-", "- "), side - 10, size).forEach((line, i) => svg.append(text(left + 6, top + 17 + 15 * i, line.replaceAll("- ", "-"), { "font-size": size })));
    svg.append(text(left + 6, top + side - 8, words, { "font-size": 17, "font-weight": 700 }));
  }
  const marker = node("rect", { width: side, height: side, rx: 2, fill: "none", stroke: "var(--focus)", "stroke-width": 4, visibility: "hidden", class: "marker" });
  svg.append(marker);
  const mark = (i) => {
    for (const [name, value] of [["x", areas[i].at[0] * step], ["y", areas[i].at[1] * step], ["visibility", "visible"]]) marker.setAttribute(name, value);
  };
  const away = (px, py, [x, y]) => Math.hypot(px - x * step - side / 2, py - y * step - side / 2);
  const nearest = (px, py) => areas.reduce((best, { at }, i) => (away(px, py, at) < away(px, py, areas[best].at) ? i : best), 0);
  return { svg, mark, nearest };
}
