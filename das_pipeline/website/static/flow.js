// The chain of another kind of crime, or beside another year, drawn as website/flow.py draws it: as a picture, a list, words and a table.
// The chain that the page came with is shown until a reader chooses, and without scripts. The address holds the choice.
import { node } from "./chart.js";
import { ALL } from "./codes.js";
import { LANGUAGE, change, number, period, say, signedChange } from "./forms.js";
import { el, select } from "./parts.js";
import { ask } from "./tables.js";

const [BAR, BAND, LABEL, ALONE, ROOM, BOX, BOX_HEIGHT, BOX_GAP] = [14, 112, 166, 96, 20, 156, 48, 8];
const [TOP, HIGHEST, GAP, PITCH, SMALL] = [92, 300, 14, 40, 0.01];
const UNKNOWN = new Set([ALL, "unknown", "unknown_group"]);

// What the page says of the chain: lists and names in its template.
function tree(place) {
  const [only] = place.children;
  if (only?.tagName === "DL") return Object.fromEntries([...only.children].filter((e) => e.tagName === "DT").map((e) => [e.textContent, tree(e.nextElementSibling)]));
  if (only?.tagName === "OL") return [...only.children].map(tree);
  return place.textContent.trim();
}

const chain = tree(document.querySelector("template").content.querySelector(".chain"));
const place = document.querySelector(".flows"), radios = [...place.querySelectorAll(".years input")];
const YEARS = radios.map((input) => [input.closest("label").textContent.trim().slice(0, 4), input.closest("label").textContent.trim()]);
const asked = new URLSearchParams(location.search), known = (value, values) => (values.includes(value) ? value : "");
const state = {
  year: known(asked.get("year"), YEARS.map(([year]) => year)) || YEARS[radios.findIndex((input) => input.checked)][0],
  group: asked.get("group") ?? "",
  with: known(asked.get("with"), YEARS.map(([year]) => year)),
};

// -- reading

const isWhole = (cell) => cell.n !== null && cell.status !== "incomplete";

// The cells of a table by code of `parts` ("" when it is not divided), for each of the periods.
async function cellsOf(table, parts, chosen, kind, periods) {
  const { facts, columns } = await ask(table), codes = parts ? columns[parts].codes : [kind];
  const at = { period_kind: [kind], ...Object.fromEntries(Object.keys(facts.dims).map((dim) => [dim, [chosen[dim] ?? facts.shown[dim] ?? ALL]])) };
  const rows = { dim: parts || "period_kind", codes };
  delete at[rows.dim];
  const { n, status } = await ask(table, { rows, cols: { dim: "period", codes: periods }, at });
  const cells = codes.map((_, r) => periods.map((p, c) => ({ n: n[r * periods.length + c], status: status[r * periods.length + c], period: p })));
  return { cells: new Map(codes.map((code, r) => [parts ? code : ALL, cells[r]])), order: parts ? [...columns[parts].labels.keys()] : [], labels: columns[parts]?.labels };
}

// What waited after each section, at the end of the last month of the year that is known everywhere.
async function stocksOf(sections, chosen, places, year, before) {
  const months = Array.from({ length: 12 }, (_, i) => `-${String(i + 1).padStart(2, "0")}`), all = [...months.map((m) => year + m), ...months.map((m) => before + m)];
  const found = await Promise.all(sections.map(async ({ waits }) => waits && (await cellsOf(waits.table, "", { ...waits.select, ...chosen }, "month", all)).cells.get(ALL)));
  const rows = found.map((cells, i) => cells && { cells, at: places[i], text: sections[i].waits.text }).filter(Boolean);
  const last = months.findLastIndex((_, m) => rows.length && rows.every(({ cells }) => isWhole(cells[m])));
  if (last < 0) return [];
  return rows.reduce((stocks, { cells, at, text }) => {
    const after = stocks.length ? stocks.at(-1).x + BOX + BOX_GAP : at;
    return [...stocks, block(text, [cells[last]], [cells[last + 12]], "", Math.max(at, after), 0, 0)];
  }, []);
}

// -- layout

function block(label, cells, before, colour, x, y, scale) {
  const known = before.filter((cell) => cell.status !== null), sum = (some) => some.reduce((total, cell) => total + (cell.n ?? 0), 0);
  const n = sum(cells), old = known.length ? sum(known) : null, isKnown = cells.some((cell) => cell.n !== null);
  return { label, n, old, colour, x, y, isKnown, period: cells[0].period, height: Math.max(n * scale, 1), ghost: old === null ? 0 : Math.max(old * scale, 1),
    isComparable: known.length > 0 && [...cells, ...known].every(isWhole) };
}

async function partOf(section, chosen, x, year, before) {
  const { cells, order, labels } = await cellsOf(section.table, section.parts, chosen, "year", [year, before]);
  const [whole, old] = cells.get(ALL), scale = HIGHEST / Math.max(whole.n ?? 0, 1), divided = [];
  const total = section.total && block(section.total, [whole], [old], section.colour, x, TOP, scale);
  if (section.parts) {
    const counts = order.filter((code) => code !== ALL && cells.get(code)?.[0].n), small = counts.filter((code) => cells.get(code)[0].n < SMALL * whole.n);
    const drawn = counts.filter((code) => small.length < 2 || !small.includes(code)).map((code) => [code]);
    if (small.length > 1) drawn.push(small);
    let y = TOP;
    for (const codes of drawn) {
      const [code] = codes.length === 1 ? codes : [""], name = section.labels?.[code] ?? labels.get(code)?.[LANGUAGE] ?? say("small_groups");
      divided.push(block(name, codes.map((c) => cells.get(c)[0]), codes.map((c) => cells.get(c)[1]), section.colours?.[code] ?? section.rest ?? "away", x + (total ? BAR + BAND : 0), y, scale));
      y += Math.max(divided.at(-1).height + GAP, PITCH);
    }
  }
  const width = (total && divided.length ? BAR + BAND : 0) + BAR + (divided.length ? LABEL : ALONE);
  return { ...section, x, width, total, divided, blocks: [...(total ? [total] : []), ...divided] };
}

function bands({ total, divided }) {
  let at = total.y;
  return divided.map((part) => {
    const left = total.x + BAR, right = part.x, middle = (left + right) / 2, f = (y) => y.toFixed(1);
    const d = `M${left},${f(at)}C${middle},${f(at)} ${middle},${f(part.y)} ${right},${f(part.y)}V${f(part.y + part.height)}C${middle},${f(part.y + part.height)} ${middle},${f(at + part.height)} ${left},${f(at + part.height)}Z`;
    at += part.height;
    return node("path", { class: `band ${part.colour}`, d });
  });
}

async function flowOf(sections, chosen, year, before) {
  const parts = [];
  for (const section of sections) parts.push(await partOf(section, chosen, parts.length ? parts.at(-1).x + parts.at(-1).width + 2 * ROOM : 0, year, before));
  const stocks = await stocksOf(sections, chosen, parts.map((p) => p.x + p.width + ROOM - BOX / 2), year, before);
  const height = Math.max(...parts.flatMap((p) => p.blocks).map((b) => b.y + Math.max(b.height, PITCH - GAP))) + 16;
  const width = Math.max(parts.at(-1).x + parts.at(-1).width, ...stocks.map((s) => s.x + BOX));
  return { parts, stocks, height, width, year, before };
}

// -- showing

const round = (y) => Math.round(1000 * y) / 1000;
const shown = ({ isKnown, n }) => (isKnown ? number(n) : say("not_known"));
const beside = (b, before) => (b.isComparable ? ` (${change(b.n, b.old, before)})` : "");
const waitingAt = (stocks) => say("flow_waiting", { period: period(stocks[0].period) });

function picture({ parts, stocks, height, width }, heading, isCompared) {
  const text = (name, x, y, words, more = {}) => node("text", { class: name, x, y, ...more }, words);
  const drawn = (b) => [
    node("rect", { class: `node ${b.colour}`, x: b.x, y: b.y.toFixed(1), width: BAR, height: b.height.toFixed(1), rx: 2 }),
    ...(isCompared && b.ghost ? [node("rect", { class: "ghost", x: b.x - 3, y: b.y.toFixed(1), width: BAR + 6, height: b.ghost.toFixed(1), rx: 2 })] : []),
    text("value", b.x + 22, b.y + Math.min(b.height / 2, 8) + 7, shown(b)),
    ...(isCompared && b.isComparable ? [text("unitname", b.x + 30 + 10 * shown(b).length, b.y + Math.min(b.height / 2, 8) + 7, signedChange(b.n, b.old))] : []),
    text("label", b.x + 22, b.y + Math.min(b.height / 2, 8) + 23, b.label),
  ];
  const svg = node("svg", { class: "flow", width, viewBox: `0 0 ${width} ${height + (stocks.length ? BOX_HEIGHT + 44 : 0)}`, role: "img", "aria-label": heading });
  for (const part of parts) {
    if (part.x) svg.append(node("line", { class: "cut", x1: part.x - ROOM, x2: part.x - ROOM, y1: 4, y2: height }));
    if (part.total) svg.append(...bands(part));
    svg.append(text("col", part.x, 18, part.title), text("unitname", part.x, 38, say("counted_in", { unit: part.unit })), ...part.blocks.flatMap(drawn));
    if (part.total && part.parts_title) svg.append(text("step", part.divided[0]?.x ?? part.x, 76, part.parts_title));
  }
  if (stocks.length) svg.append(text("step", 0, height + 16, waitingAt(stocks)));
  for (const s of stocks) {
    svg.append(node("rect", { class: "waiting", x: s.x, y: round(height + 30), width: BOX, height: BOX_HEIGHT, rx: 2 }),
      text("value", s.x + BOX / 2, height + 51, shown(s), { "text-anchor": "middle" }), text("unitname", s.x + BOX / 2, height + 69, s.label, { "text-anchor": "middle" }));
  }
  if (document.querySelector(".note")) svg.append(text("unitname", width, height + 16, say("simulated_figures"), { "text-anchor": "end" }));
  return svg;
}

function steps({ parts, stocks }, isCompared) {
  const row = (b, isWhole) => {
    const bar = node("svg", { viewBox: "0 0 100 6", preserveAspectRatio: "none" }, node("rect", { class: `node ${b.colour}`, width: b.height / 3, height: 6 }));
    const bars = el("dd", { className: "bar" }, bar);
    bars.setAttribute("aria-hidden", "true");
    return el("div", { className: isWhole ? "whole" : "part" }, el("dt", {}, b.label), el("dd", {}, shown(b), isCompared && b.isComparable && el("span", { className: "small" }, ` ${signedChange(b.n, b.old)}`)), bars);
  };
  const items = parts.map((part) => el("li", {}, el("h3", {}, part.title), el("p", { className: "small" }, say("counted_in", { unit: part.unit })), el("dl", {}, ...part.blocks.map((b) => row(b, b === part.total)))));
  if (stocks.length) items.push(el("li", {}, el("h3", {}, waitingAt(stocks)), ...stocks.map((s) => el("p", {}, el("strong", {}, shown(s)), ` ${s.label}`))));
  return el("ol", { className: "steps" }, ...items);
}

function story({ parts, stocks, before }) {
  const told = (b) => ` ${shown(b)}${beside(b, before)} ${b.label}`;
  const items = parts.map(({ title, unit, total, divided, parts_title }) => {
    const whole = total ? ` ${shown(total)}${beside(total, before)} ${unit}${total.label === unit ? "" : ` ${total.label}`}.` : parts_title ? ` ${parts_title}:` : "";
    return el("li", {}, el("strong", {}, `${title}.`), whole, total && divided.length ? ` ${say("story_parts")}` : "", divided.length ? `${divided.map(told).join(";")}.` : "");
  });
  if (stocks.length) items.push(el("li", {}, el("strong", {}, `${waitingAt(stocks)}.`), `${stocks.map((s) => ` ${shown(s)} ${s.label}${s.isComparable ? ` (${change(s.n, s.old, period(`${before}${s.period.slice(4)}`))})` : ""}`).join(";")}.`));
  return el("details", { className: "story" }, el("summary", {}, say("story")), el("ul", {}, ...items));
}

function table({ parts, stocks, year, before }, heading, mark) {
  const head = (words, isNumber) => el("th", { scope: "col", className: isNumber ? "n" : "" }, words), cell = (words) => el("td", { className: "n" }, words);
  const row = (b, unit, isTotal) => el("tr", { className: isTotal ? "total" : "" }, el("th", { scope: "row" }, b.label), el("td", {}, unit), cell(shown(b)), cell(b.old === null ? "·" : number(b.old)), cell(b.isComparable ? signedChange(b.n, b.old) : "·"));
  const rows = [...parts.flatMap((part) => part.blocks.map((b) => row(b, part.unit, b === part.total))), ...stocks.map((s) => row(s, say("flow_waiting_in", { period: period(s.period) })))];
  const made = el("table", {}, el("caption", {}, `${heading}; ${say("flow_caption", { year, before })}`), el("thead", {}, el("tr", {}, head(say("step")), head(say("unit")), head(year + mark, true), head(before, true), head(say("change"), true))), el("tbody", {}, ...rows));
  const box = el("div", { className: "scroll", tabIndex: 0, role: "region" }, made);
  box.setAttribute("aria-label", heading);
  return el("details", {}, el("summary", {}, say("as_table")), box);
}

// -- choosing

const drawn = el("div", { hidden: true }), status = el("p", { className: "vh", role: "status" });
let turn = 0;

async function render() {
  const { year, group } = state, other = state.with === year ? "" : state.with, isChosen = Boolean(group || other), number = ++turn;
  radios[YEARS.findIndex(([known]) => known === year)].checked = true;
  for (const figure of place.querySelectorAll(":scope > figure")) figure.hidden = isChosen;
  drawn.hidden = !isChosen;
  if (!isChosen) return;
  const mark = new Map(YEARS).get(year).slice(4), before = other || String(year - 1);
  try {
    const flow = await flowOf(group ? chain.flow_by.sections : chain.flow, group ? { [chain.flow_by.dimension]: group } : {}, year, before);
    if (number !== turn) return; // another choice was made meanwhile
    const heading = say("flow_title", { year }) + mark + (group ? `: ${groups.get(group)}` : "");
    const lead = [say("flow_lead"), group && say("flow_group_lead"), other && say("compare_drawn", { year: before })].filter(Boolean).join(" ");
    const foot = [say("flow_foot"), mark === "*" && say("provisional_note"), mark === "†" && say("incomplete_note")].filter(Boolean).join(" · ");
    drawn.replaceChildren(el("figure", { className: "card" }, el("figcaption", {}, el("h2", {}, heading), el("p", {}, lead)), picture(flow, heading, Boolean(other)), steps(flow, Boolean(other)), story(flow), table(flow, heading, mark), el("p", { className: "foot" }, foot)));
    status.textContent = heading;
  } catch {
    drawn.replaceChildren(el("p", { role: "alert" }, say("ask_failed")));
  }
}

const groups = new Map();

async function start() {
  const by = chain.flow_by, form = el("form", { className: "flow-form ask-row", onsubmit: (event) => event.preventDefault() });
  const put = (name) => (value) => {
    state[name] = value;
    const query = new URLSearchParams(Object.entries(state).filter(([, chosen]) => chosen));
    history.replaceState(null, "", `?${query}`);
    render();
  };
  const held = by ? el("span", { className: "hold" }) : ""; // the place of the groups, which the first table has
  form.append(select("year", say("year"), YEARS, state.year, put("year")), held, select("with", say("compare"), [["", say("ask_nothing")], ...YEARS], state.with, put("with")));
  place.querySelector(".years").after(form, status);
  place.querySelector(".years").hidden = true;
  place.append(drawn);
  if (by) {
    const { columns } = await ask(by.sections[0].table), { labels, description, codes } = columns[by.dimension];
    for (const [code, label] of labels) if (codes.includes(code) && !UNKNOWN.has(code)) groups.set(code, label[LANGUAGE]);
    state.group = known(state.group, [...groups.keys()]);
    held.replaceWith(select("group", description[`description_${LANGUAGE}`], [["", labels.get(ALL)[LANGUAGE]], ...groups], state.group, put("group")));
  }
  await render();
}

start();
