// A question to a table, made whole with what it leaves open, and its answer: the values of two axes, as numbers, shares or an index.
import { ALL } from "./codes.js";
import { LANGUAGE, MAPS, UNITS, index, number, period as periodText, say, share } from "./forms.js";

const KINDS = ["month", "quarter", "year"], SINGLE = ["rows", "cols", "kind", "from", "to", "in", "as", "view", "sort"];
const kindOf = (period) => (period.length === 4 ? "year" : period.includes("Q") ? "quarter" : "month");
const FEW = 6; // fewer years say less over time than their months do
const LONG = 60; // periods on an axis, at most, unless more are asked for

export class Answer {
  // The question that an address holds; what it leaves out is undefined.
  static stateFrom(query) {
    const state = { codes: {} };
    for (const name of SINGLE) if (query.has(name)) state[name] = query.get(name);
    for (const [name, value] of query) if (name.startsWith("in.")) state.codes[name.slice(3)] = value.split(",");
    return state;
  }

  constructor({ facts, columns, late }, asked) {
    Object.assign(this, { facts, columns, asked });
    this.dims = Object.keys(facts.dims);
    this.title = facts.title[LANGUAGE];
    this.isExact = facts.kind === "external";
    this.isNested = this.dims.length > 1 && new Set(this.dims.map((d) => facts.dims[d].scheme)).size === 1 && facts.dims[this.dims[0]].scheme !== null;
    const every = columns.period.codes;
    this.kinds = KINDS.filter((kind) => every.some((p) => kindOf(p) === kind));
    const state = (this.state = { as: "number", view: "chart", ...asked });
    const known = (name, values, otherwise) => (values.includes(state[name]) ? state[name] : (state[name] = otherwise()));
    known("rows", ["", "period", ...this.dims], () => this.preferred());
    if (!this.dims.length) state.rows = "";
    known("cols", ["", "period", ...this.dims], () => "period");
    if (state.cols === state.rows) state.cols = state.rows === "period" ? (this.dims[0] ?? "") : "period";
    if (!state.rows && !state.cols) state.cols = "period";
    const years = every.filter((p) => kindOf(p) === "year");
    known("kind", this.kinds, () => (this.isAxis("period") && years.length < FEW ? this.kinds[0] : this.kinds.at(-1)));
    this.periods = every.filter((p) => kindOf(p) === state.kind).sort();
    const whole = this.periods.filter((p) => isWhole(p, facts.as_of)), last = whole.at(-1) ?? this.periods.at(-1);
    known("to", this.periods, () => last);
    known("from", this.periods, () => this.periods[Math.max(0, this.periods.indexOf(state.to) - LONG + 1)]);
    if (state.from > state.to) [state.from, state.to] = [state.to, state.from];
    known("in", this.periods, () => whole.findLast((p) => !late.includes(p)) ?? last);
    this.measures = ["number", ...(this.wholeAxis ? ["share"] : []), ...(facts.kind !== "derived" && this.isAxis("period") ? ["index"] : [])];
    known("as", this.measures, () => "number");
    this.layout = MAPS[facts.dims[state.rows]?.scheme]; // where the areas of a map of tiles are
    this.views = ["chart", ...(this.layout ? ["map"] : []), "table"];
    known("view", this.views, () => "chart");
    this.rowCodes = this.axis(state.rows);
    this.colCodes = this.axis(state.cols);
    this.first = this.isAxis("period") ? state.from : undefined;
  }

  // What a table is broken down by first: the longest dimension whose groups add up.
  preferred() {
    const free = this.dims.filter((d) => d !== this.state.cols), adding = free.filter((d) => this.addsUp(d));
    if (this.isNested || !adding.length) return free[0] ?? "";
    return adding.reduce((a, b) => (this.columns[b].codes.length > this.columns[a].codes.length ? b : a));
  }

  isAxis(dim) {
    return dim === this.state.rows || dim === this.state.cols;
  }

  // Whether the groups of a dimension add up to its total. The fine level of a nested table has its totals in the broad one.
  addsUp(dim) {
    return dim !== "period" && this.facts.dims[dim]?.scheme != null && this.facts.kind !== "derived";
  }

  hasTotal(dim) {
    return Boolean(dim) && this.addsUp(dim) && (!this.isNested || dim === this.dims[0]) && this.columns[dim].codes.includes(ALL);
  }

  // The axis whose total is the whole of a share.
  get wholeAxis() {
    return [this.state.rows, this.state.cols].find((dim) => this.hasTotal(dim));
  }

  options(dim) {
    const { labels, codes } = this.columns[dim], known = [...labels.keys()].filter((code) => codes.includes(code));
    const all = known.length ? known : codes;
    return this.isAxis(dim) ? all.filter((code) => code !== ALL) : all;
  }

  // The codes of a dimension that are asked for: on an axis all unless some are named, elsewhere its total.
  chosen(dim) {
    const options = this.options(dim), named = (this.state.codes[dim] ?? []).filter((code) => options.includes(code));
    if (named.length) return this.isAxis(dim) || this.addsUp(dim) ? options.filter((code) => named.includes(code)) : named.slice(0, 1);
    if (this.isAxis(dim)) return options;
    if (this.isNested && this.dims.some((d) => this.isAxis(d)) && dim === this.dims[0]) return options.filter((code) => code !== ALL);
    return [options.includes(ALL) ? ALL : (this.facts.shown[dim] ?? options[0])];
  }

  axis(dim) {
    if (!dim) return [];
    if (dim === "period") return this.periods.filter((p) => this.state.from <= p && p <= this.state.to).reverse();
    return this.chosen(dim);
  }

  // What the worker is asked: the chosen codes of both axes, and after them the total of each that has one.
  get query() {
    const { rows, cols, kind } = this.state, axis = (dim, codes) => ({ dim: dim || "period_kind", codes: dim ? [...codes, ...(this.hasTotal(dim) ? [ALL] : [])] : [kind] });
    const at = Object.fromEntries(this.dims.filter((d) => !this.isAxis(d)).map((d) => [d, this.chosen(d)]));
    if (rows && cols) at.period_kind = [kind];
    if (!this.isAxis("period")) at.period = [this.state.in];
    return { rows: axis(rows, this.rowCodes), cols: axis(cols, this.colCodes), at };
  }

  // Take the worker's cells: this.cells has { n, value, text, status } for each row and column, totals last.
  fill({ n, status }) {
    const { rows, cols } = this.query, wide = cols.codes.length;
    const at = (r, c) => n[r * wide + c], whole = this.wholeAxis;
    const lastRow = rows.codes.length - 1, lastCol = wide - 1;
    const firstRow = rows.dim === "period" ? lastRow : -1, firstCol = cols.dim === "period" ? lastCol : -1; // the oldest is last
    this.cells = rows.codes.map((_, r) => cols.codes.map((_, c) => {
      const count = at(r, c), cell = { n: count, status: status[r * wide + c] };
      const shown = this.state.as === "share" ? share(count, whole === rows.dim ? at(lastRow, c) : at(r, lastCol), this.isExact)
        : this.state.as === "index" ? index(count, firstRow < 0 ? at(r, firstCol) : at(firstRow, c), this.isExact)
        : count === null ? null : { value: count, text: number(count) };
      return { ...cell, value: shown?.value ?? null, text: shown?.text ?? (cell.status === "not_known" ? say("not_known") : "·") };
    }));
    this.sort(rows);
  }

  // Put the rows in the order of a column: `sort` is its code, with a minus for the largest first.
  sort(rows) {
    const { sort } = this.state, code = sort?.replace(/^-/, ""), c = this.colKeys.indexOf(code);
    const order = this.rowCodes.map((_, r) => r);
    if (c >= 0) order.sort((a, b) => (sort[0] === "-" ? -1 : 1) * ((this.cells[a][c].value ?? -1) - (this.cells[b][c].value ?? -1)) || a - b);
    const isWhole = this.state.as === "share" && this.wholeAxis === this.state.rows; // then the total is all of itself
    this.total = this.hasTotal(this.state.rows) && !isWhole ? this.cells.at(-1) : undefined;
    this.cells = rows.dim === "period_kind" ? this.cells : order.map((r) => this.cells[r]);
    this.rowCodes = rows.dim === "period_kind" ? [""] : order.map((r) => this.rowCodes[r]);
  }

  get colKeys() {
    return this.state.cols ? [...this.colCodes, ...(this.hasTotal(this.state.cols) ? [ALL] : [])] : [""];
  }

  label(dim, code) {
    if (!dim || !code) return say(this.facts.kind === "derived" ? "ask_value" : "total");
    return dim === "period" ? periodText(code) : (this.columns[dim].labels.get(code)?.[LANGUAGE] ?? code);
  }

  dimLabel(dim) {
    return dim === "period" ? say("ask_period") : this.columns[dim].description[`description_${LANGUAGE}`];
  }

  get unit() {
    return UNITS[this.facts.unit_of_count] ?? "";
  }

  // What the values are, in words: what is counted, and the choices that are on no axis.
  get heading() {
    const first = (words) => words.toLowerCase().split(" ")[0];
    const isNamed = this.unit.toLowerCase().split(" ").some((word) => word.length > 3 && this.title.toLowerCase().includes(word));
    const word = this.facts.kind === "derived" ? "chart_title_in" : first(this.title) === first(this.unit) ? "chart_title_alone" : "chart_title";
    const of = { number: () => word === "chart_title_in" && isNamed ? this.title : say(word, { title: this.title, unit: this.unit }).replace(/\.$/, ""), share: () => `${this.title}: ${say("as_share").toLowerCase()}`, index: () => `${this.title}: ${say("as_index", { period: periodText(this.first) }).toLowerCase()}` };
    const fixed = this.dims.filter((d) => !this.isAxis(d) && this.chosen(d)[0] !== ALL && !(this.isNested && !this.state.codes[d]));
    const said = fixed.map((d) => `${this.dimLabel(d)}: ${this.chosen(d).map((c) => this.label(d, c)).join(" + ")}`);
    return [of[this.state.as](), ...said, ...(this.isAxis("period") ? [] : [periodText(this.state.in)])].join("; ");
  }

  get statuses() {
    return new Set(this.cells.flat().map((cell) => cell.status));
  }

  // The question as an address has it, without what it would say anyway.
  asQuery(table) {
    const query = new URLSearchParams({ table });
    for (const name of SINGLE) if (this.asked[name] !== undefined && this.asked[name] !== "") query.set(name, this.asked[name]);
    for (const name of ["rows", "cols"]) if (this.asked[name] === "") query.set(name, "");
    for (const [dim, codes] of Object.entries(this.asked.codes)) if (codes) query.set(`in.${dim}`, codes.join(","));
    return query.toString().replaceAll("%2C", ",");
  }
}

// Whether a period had ended on the day `asOf`: part of a period would look like a decline.
function isWhole(period, asOf) {
  const year = Number(period.slice(0, 4)), month = { year: 12, quarter: 3 * Number(period.at(-1)), month: Number(period.slice(5)) }[kindOf(period)];
  const end = new Date(Date.UTC(year, month, 0)).toISOString().slice(0, 10);
  return end <= asOf;
}
