// Shows an answer: as a chart that can be read by pointer and keyboard, or as a table that can be sorted; and lets a reader take it along.
import { MOST, bars, lines, tiles } from "./chart.js";
import { EDITION, EMBED, LANGUAGE, PUBLISHER, number, period as periodText, say } from "./forms.js";
import { bibtex, csv, picture, png, ris, save } from "./keep.js";
import { control, el } from "./parts.js";

const LINE_FROM = 3, BARS = 40;
const WEEK = /^after_week_(\d+)$/; // the code of a point of a survival curve
const MARKS = { provisional: "*", incomplete: "†", not_known: "†" };

export function show(tool) {
  const { answer, shown } = tool, { state } = answer;
  const isEmpty = answer.cells.every((row) => row.every((cell) => cell.value === null));
  const { parts, drawn } = isEmpty
    ? { parts: [el("p", { role: "status" }, say(state.as === "number" ? "ask_none" : "ask_too_small"))] }
    : state.view === "table" ? { parts: [tableOf(tool)] } : state.view === "map" ? mapOf(tool) : chartOf(tool);
  const mark = answer.facts.is_simulated && el("strong", { className: "mark" }, say("simulated_figures"));
  shown.replaceChildren(el("p", { className: "ask-head" }, mark, drawn && answer.heading), ...parts, el("p", { className: "foot" }, foot(answer)), keeping(tool, drawn));
}

// Where the figures come from and how far they go.
function foot({ facts, columns, statuses, state }) {
  const kind = { protected: "rounded", derived: "derived", external: "exact" }[facts.kind];
  const said = [say("source", { source: facts.source[LANGUAGE] }), facts.method === "rounding" ? say(kind, { base: facts.base }) : columns.n.description[`description_${LANGUAGE}`]];
  if (statuses.has("provisional")) said.push(say("provisional_note"));
  if (statuses.has("incomplete") || statuses.has("not_known")) said.push(say("incomplete_note"));
  if (state.as !== "number") said.push(say("ask_rounded_share"));
  said.push(EDITION, facts.licence);
  if (facts.is_simulated) said.push(say("simulated_figures"));
  return said.join(" · ");
}

// -- chart

function chartOf(tool) {
  const { answer } = tool, { state } = answer, width = Math.max(280, Math.floor(tool.shown.clientWidth || 640));
  const byRow = { dim: state.rows, codes: answer.rowCodes, cells: answer.cells };
  const byCol = { dim: state.cols, codes: state.cols ? answer.colCodes : [""], cells: (state.cols ? answer.colCodes : [""]).map((_, c) => answer.cells.map((row) => row[c])) };
  const survived = [byCol, byRow].find(({ codes }) => codes.length >= LINE_FROM && codes.every((code) => WEEK.test(code)));
  const time = survived ?? [byCol, byRow].find(({ dim, codes }) => dim === "period" && codes.length >= LINE_FROM);
  const names = time ?? byRow, notes = [];
  let series = time === byCol ? byRow : byCol;
  const isLarger = (a, b) => sum(b) - sum(a), sum = (cells) => cells.reduce((total, cell) => total + Math.abs(cell.value ?? 0), 0);
  if (series.codes.length > MOST) {
    const kept = series.cells.toSorted(isLarger).slice(0, MOST), keep = series.cells.map((cells, i) => [cells, i]).filter(([cells]) => kept.includes(cells)).map(([, i]) => i);
    notes.push(say("chart_largest", { n: MOST, all: series.codes.length }));
    series = { ...series, codes: keep.map((i) => series.codes[i]), cells: keep.map((i) => series.cells[i]) };
  }
  const order = names.codes.map((_, i) => i);
  const week = (i) => Number(WEEK.exec(names.codes[i])[1]);
  if (survived) order.sort((a, b) => week(a) - week(b));
  else if (time) order.reverse();
  else if (order.length > BARS) {
    notes.push(say("chart_largest", { n: BARS, all: order.length }));
    const largest = new Set(order.toSorted((a, b) => isLarger(series.cells.map((s) => s[a]), series.cells.map((s) => s[b]))).slice(0, BARS));
    order.splice(0, order.length, ...order.filter((i) => largest.has(i)));
  }
  // A period of which a source has not delivered everything would look like a decline: the table has it.
  const isPart = (i) => series.cells.some((cells) => MARKS[cells[i].status] === "†"), late = time && !survived ? order.filter(isPart) : [];
  if (late.length && late.length < order.length) {
    notes.push(say("chart_without", { periods: late.map((i) => `${answer.label("period", names.codes[i])}†`).join(", ") }));
    order.splice(0, order.length, ...order.filter((i) => !late.includes(i)));
  }
  const labels = order.map((i) => answer.label(names.dim, names.codes[i]));
  const data = series.codes.map((code, s) => ({
    label: answer.label(series.dim, code),
    points: order.map((i) => ({ ...series.cells[s][i], isFinal: !(series.cells[s][i].status in MARKS) })),
  }));
  const write = (v) => (state.as === "share" ? say("percent", { n: number(v) }) : number(v));
  const shortNames = order.map((i) => (survived ? String(week(i)) : shortName(names.codes[i])));
  const breaks = time && !survived ? breaksIn(tool.breaks, order.map((i) => names.codes[i])) : [];
  const chart = time ? lines({ series: data, names: labels, shortNames, width, write, breaks, ...(survived && { at: order.map(week), begin: 100, axis: answer.dimLabel(names.dim) }) }) : bars({ series: data, names: labels, width });
  const reading = el("p", { className: "ask-reading" }, say("ask_reading"));
  const words = labels.map((label, i) => `${label}: ${data.map((s) => (data.length > 1 ? `${s.label} ${s.points[i].text}` : s.points[i].text) + (MARKS[s.points[i].status] ?? "")).join("; ")}`);
  const parts = [pointed(chart, words, reading, answer.heading), reading];
  if (notes.length) parts.push(el("p", { className: "small" }, notes.join(" ")));
  return { parts, drawn: chart.svg };
}

// The first column that is whole on a map of tiles; a tile that is read tells the others too. Groups that are no area are named below it.
function mapOf({ answer, shown }) {
  const { state, layout, rowCodes, cells, colKeys } = answer, width = Math.max(260, Math.floor(shown.clientWidth || 640));
  const placed = new Map(layout.flatMap((row, y) => row.map((code, x) => [code, [x, y]])));
  const [on, off] = [true, false].map((isOn) => rowCodes.map((code, r) => [code, r]).filter(([code]) => placed.has(code) === isOn));
  const first = Math.max(0, colKeys.findIndex((_, c) => !cells.some((row) => MARKS[row[c].status] === "†"))); // a whole period
  const name = ([code]) => answer.label(state.rows, code), texts = (r) => cells[r].map((cell, c) => (colKeys.length > 1 ? `${answer.label(state.cols, colKeys[c])} ${cell.text}` : cell.text) + (MARKS[cell.status] ?? ""));
  const chart = tiles({ areas: on.map(([code, r]) => ({ label: name([code]), at: placed.get(code), ...cells[r][first] })), columns: layout[0].length, rows: layout.length, width });
  const reading = el("p", { className: "ask-reading" }, say("ask_reading"));
  const notes = [state.cols && say("map_of", { column: answer.label(state.cols, colKeys[first]) }), off.length && say("map_without", { names: off.map(name).join(", ") })].filter(Boolean);
  return { parts: [pointed(chart, on.map(([code, r]) => `${name([code])}: ${texts(r).join("; ")}`), reading, answer.heading), reading, el("p", { className: "small" }, notes.join(" "))], drawn: chart.svg };
}

// Where the breaks that the page tells of lie on the axis: before the period in which, or after the beginning of which, they are.
function breaksIn(breaks, periods) {
  const start = (p) => (p.includes("Q") ? `${p.slice(0, 5)}0${3 * p.at(-1) - 2}` : p);
  return breaks.map(({ since, label }) => ({ at: periods.findIndex((p) => start(p) >= since.slice(0, start(p).length)), label })).filter(({ at }) => at > 0);
}

// On an axis of months only the years are written.
const shortName = (code) => (code.length === 4 ? code : /-01$|-Q1$/.test(code) ? code.slice(0, 4) : "");

// The chart as a slider over its names: a pointer or the arrow keys choose one, and its values are written and read out.
function pointed({ svg, mark, nearest }, words, reading, heading) {
  const box = el("div", { className: "ask-chart", tabIndex: 0, role: "slider", dataset: { key: "chart" } }, svg);
  for (const [name, value] of [["label", heading], ["valuemin", 1], ["valuemax", words.length], ["valuenow", words.length], ["valuetext", say("ask_reading")]]) box.setAttribute(`aria-${name}`, value);
  let at = -1;
  const put = (i) => {
    at = Math.max(0, Math.min(words.length - 1, i));
    mark(at);
    reading.textContent = words[at];
    box.setAttribute("aria-valuenow", at + 1);
    box.setAttribute("aria-valuetext", words[at]);
  };
  const follow = (event) => {
    const frame = svg.getBoundingClientRect(), scale = svg.viewBox.baseVal.width / frame.width;
    put(nearest((event.clientX - frame.left) * scale, (event.clientY - frame.top) * scale));
  };
  box.addEventListener("pointermove", follow);
  box.addEventListener("pointerdown", follow);
  box.addEventListener("keydown", (event) => {
    const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: (at < 0 ? words.length : at) - 1, ArrowUp: (at < 0 ? words.length : at) - 1, Home: 0, End: words.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    put(to);
  });
  return box;
}

// -- table

function tableOf(tool) {
  const { answer } = tool, { state } = answer, keys = answer.colKeys;
  const mark = (cells) => (cells.some((c) => c.status === "incomplete" || c.status === "not_known") ? "†" : cells.some((c) => c.status === "provisional") ? "*" : "");
  const headOf = (code, c) => answer.label(state.cols, code) + (state.cols === "period" ? mark(answer.cells.map((row) => row[c])) : "");
  const sorted = state.sort?.replace(/^-/, ""), isDown = state.sort?.[0] === "-";
  const heads = keys.map((code, c) => {
    const button = control.button(`sort-${code}`, headOf(code, c), () => tool.change((s) => (s.sort = code === sorted && isDown ? code : `-${code}`)));
    const th = el("th", { scope: "col", className: "n" }, button);
    if (code === sorted) th.setAttribute("aria-sort", isDown ? "descending" : "ascending");
    return th;
  });
  const line = (label, cells, className = "") => el("tr", { className }, el("th", { scope: "row" }, label), ...cells.map((cell) => el("td", { className: "n" }, cell.text)));
  const body = answer.cells.map((cells, r) => line(answer.label(state.rows, answer.rowCodes[r]) + (state.rows === "period" ? mark(cells) : ""), cells));
  if (answer.total) body.unshift(line(say("total"), answer.total, "total"));
  const table = el("table", {}, el("caption", {}, answer.heading), el("thead", {}, el("tr", {}, el("th", { scope: "col" }, state.rows ? answer.dimLabel(state.rows) : ""), ...heads)), el("tbody", {}, ...body));
  const box = el("div", { className: "scroll", tabIndex: 0, role: "region", dataset: { key: "table" } }, table);
  box.setAttribute("aria-label", answer.heading);
  return box;
}

// -- taking along

function keeping(tool, drawn) {
  const { answer, name } = tool, said = el("p", { className: "small ask-said", role: "status" });
  const file = `${name}.${LANGUAGE}`, made = () => picture(drawn, answer.heading, foot(answer));
  const copy = async (words) => {
    try {
      await navigator.clipboard.writeText(words);
      said.textContent = say("copied", { text: words });
    } catch {
      const field = el("textarea", { readOnly: true, value: words, rows: 3 });
      field.setAttribute("aria-label", say("copy_by_hand"));
      said.replaceChildren(say("copy_by_hand"), field);
      field.select();
    }
  };
  const embed = () => {
    const frame = el("iframe", { src: tool.address(new URL(EMBED, location.href).href), title: answer.heading, width: "100%", height: "620" });
    frame.setAttribute("loading", "lazy");
    frame.setAttribute("sandbox", "allow-scripts allow-same-origin allow-downloads allow-popups");
    return frame.outerHTML;
  };
  const marked = answer.facts.is_simulated ? `${say("simulated_figures")}. ` : "";
  const cited = () => ({ key: `${name}-${answer.facts.as_of}`, title: answer.heading, publisher: PUBLISHER, day: answer.facts.as_of,
    note: `${marked}${EDITION}. ${answer.facts.licence}`, address: tool.address() });
  const citation = () => say("citation", { publisher: PUBLISHER, title: answer.heading, edition: EDITION, licence: answer.facts.licence,
    simulated: marked, address: tool.address() });
  const button = (key, act) => control.button(key, say(key), act);
  return el("div", { className: "ask-keep" },
    el("p", {}, button("keep_csv", () => save(`${file}.csv`, csv(rowsOf(answer)), "text/csv;charset=utf-8")),
      drawn && button("keep_svg", () => save(`${file}.svg`, made(), "image/svg+xml")),
      drawn && button("keep_png", async () => save(`${file}.png`, await png(made()))),
      button("copy_link", () => copy(tool.address())), button("copy_citation", () => copy(citation())),
      button("keep_bibtex", () => save(`${name}.bib`, bibtex(cited()), "application/x-bibtex")),
      button("keep_ris", () => save(`${name}.ris`, ris(cited()), "application/x-research-info-systems")), button("copy_embed", () => copy(embed()))),
    said);
}

// The selection with a row for each cell, in words, and with its origin in every row.
function rowsOf(answer) {
  const { state, facts } = answer, fixed = answer.dims.filter((d) => !answer.isAxis(d));
  const axes = [state.rows, state.cols].filter(Boolean), measure = state.as === "number" ? answer.unit : state.as === "share" ? say("as_share") : say("as_index", { period: periodText(answer.first) });
  const head = [...axes.map((d) => answer.dimLabel(d)), ...fixed.map((d) => answer.dimLabel(d)), ...(answer.isAxis("period") ? [] : [say("ask_period")]), say("ask_value"), say("unit"), say("status"), say("table"), say("source_head"), say("edition_head"), say("licence_head"), say("simulated_head")];
  const origin = [answer.title, facts.source[LANGUAGE], EDITION, facts.licence, say(facts.is_simulated ? "yes" : "no")];
  const at = [...fixed.map((d) => answer.chosen(d).map((c) => answer.label(d, c)).join(" + ")), ...(answer.isAxis("period") ? [] : [periodText(state.in)])];
  const status = (cell) => answer.columns.status.labels.get(cell.status)?.[LANGUAGE] ?? cell.status;
  const lines = answer.cells.flatMap((row, r) => (state.cols ? answer.colCodes : [""]).map((code, c) => {
    const cell = row[c], keys = [state.rows && answer.label(state.rows, answer.rowCodes[r]), state.cols && answer.label(state.cols, code)].filter(Boolean);
    return [...keys, ...at, cell.value === null ? "" : state.as === "share" ? cell.text : String(cell.value), measure, status(cell), ...origin];
  }));
  return [head, ...lines];
}
