// Lets a reader ask a published table: what to break down, which groups and periods, how to show it. The address holds the question.
// The figure and the table that the page came with stay as they are until a reader asks, and without scripts.
import { LANGUAGE, period as periodText, say } from "./forms.js";
import { Answer } from "./answer.js";
import { ALL } from "./codes.js";
import { control, el, select } from "./parts.js";
import { show } from "./show.js";
import { ask } from "./tables.js";

// One question on the page: its form, and the chart or table that answers it.
class Tool {
  constructor(place, name, state, anchor = "") {
    const told = [...document.querySelectorAll(`#${CSS.escape(anchor || "none")} .break`)];
    const breaks = told.map((p) => ({ since: p.querySelector("time").dateTime, label: `${say("break")} ${p.querySelector("time").textContent}` }));
    Object.assign(this, { name, state, anchor, breaks, open: new Set() });
    this.form = el("form", { className: "ask-form", onsubmit: (event) => event.preventDefault() });
    this.shown = el("div", { className: "ask-shown" });
    this.root = el("section", { className: "ask" }, this.form, this.shown);
    place.append(this.root);
  }

  async start() {
    try {
      this.table = await ask(this.name);
    } catch {
      this.root.replaceChildren(el("p", { role: "alert" }, say("ask_failed")));
      return;
    }
    this.answer = new Answer(this.table, this.state);
    this.root.setAttribute("aria-label", `${say("ask")}: ${this.answer.title}`);
    await this.render();
  }

  async change(update) {
    update(this.state);
    this.answer = new Answer(this.table, this.state);
    history.replaceState(null, "", this.address());
    await this.render();
  }

  address(page = location.href) {
    const url = new URL(page);
    url.search = this.answer.asQuery(this.name);
    url.hash = this.anchor;
    return url.href;
  }

  async render() {
    const { answer } = this, focused = this.root.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
    this.form.replaceChildren(...this.controls());
    const number = (this.turn = (this.turn ?? 0) + 1);
    const cells = await ask(this.name, answer.query);
    if (number !== this.turn) return; // a later question was asked meanwhile
    answer.fill(cells);
    show(this);
    if (focused) this.root.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  }

  controls() {
    const { answer } = this, { state } = answer, named = (dim) => answer.dimLabel(dim), set = (name) => (value) => this.change((s) => (s[name] = value));
    const axes = [...answer.dims, "period"], none = ["", say("ask_nothing")];
    const kinds = answer.kinds.map((kind) => [kind, say(`period_${kind}`)]);
    const periods = answer.periods.map((p) => [p, periodText(p)]).reverse();
    const chosen = answer.isAxis("period")
      ? [select("from", say("ask_from"), periods, state.from, set("from")), select("to", say("ask_to"), periods, state.to, set("to"))]
      : [select("in", say("ask_in"), periods, state.in, set("in"))];
    return [
      el("div", { className: "ask-row" },
        select("rows", say("ask_rows"), [...axes.filter((d) => d !== state.cols).map((d) => [d, named(d)]), none], state.rows, set("rows")),
        select("cols", say("ask_cols"), [...axes.filter((d) => d !== state.rows).map((d) => [d, named(d)]), none], state.cols, set("cols")),
        kinds.length > 1 && select("kind", say("ask_per"), kinds, state.kind, set("kind")),
        ...chosen),
      el("div", { className: "ask-row" }, ...answer.dims.map((dim) => this.codes(dim))),
      el("div", { className: "ask-row" },
        answer.measures.length > 1 && control.radios("as", say("ask_as"), answer.measures.map((m) => [m, say(`as_${m}`, { period: periodText(answer.first ?? "") })]), state.as, set("as")),
        control.radios("view", say("ask_view"), answer.views.map((view) => [view, say(`view_${view}`)]), state.view, set("view"))),
    ];
  }

  // The groups of a dimension to choose from: several side by side or added up, or one of those that do not add up.
  codes(dim) {
    const { answer } = this, options = answer.options(dim), chosen = answer.chosen(dim), isOne = !answer.isAxis(dim) && !answer.addsUp(dim);
    const label = chosen.length === 1 ? answer.label(dim, chosen[0]) : say("ask_chosen", { n: chosen.length, all: options.length });
    const put = (codes) => this.change((s) => (s.codes[dim] = codes));
    const toggle = (code, isOn) => put(isOne ? [code] : code === ALL || !isOn ? (isOn ? [ALL] : chosen.filter((c) => c !== code)) : [...chosen.filter((c) => c !== ALL), code]);
    const details = el("details", { className: "ask-codes", open: this.open.has(dim) },
      el("summary", { dataset: { key: `open-${dim}` } }, `${answer.dimLabel(dim)}: `, el("strong", {}, label)),
      control.list(dim, isOne, options.map((code) => [code, answer.label(dim, code), chosen.includes(code)]), toggle),
      !isOne && el("p", { className: "ask-all" }, control.button(`all-${dim}`, say("ask_choose_all"), () => put(undefined))));
    details.addEventListener("toggle", () => (details.open ? this.open.add(dim) : this.open.delete(dim)));
    return details;
  }
}

const query = () => new URLSearchParams(location.search);

// A figure of a page: a button turns its chart into an answer, and back.
function offer(article) {
  const figures = article.querySelectorAll(".chart, .no-chart, .map"), name = article.id;
  let tool;
  const toggle = async (state) => {
    const isOpen = button.getAttribute("aria-expanded") === "true";
    button.setAttribute("aria-expanded", String(!isOpen));
    button.textContent = say(isOpen ? "ask" : "ask_close");
    figures.forEach((figure) => (figure.hidden = !isOpen));
    if (isOpen) {
      tool.root.hidden = true;
      history.replaceState(null, "", location.pathname);
    } else if (tool) {
      tool.root.hidden = false;
    } else {
      const place = el("div");
      figures[0].before(place);
      tool = new Tool(place, name, state, name);
      await tool.start();
    }
  };
  const button = el("button", { type: "button", className: "ask-open", onclick: () => toggle(Answer.stateFrom(new URLSearchParams())) }, say("ask"));
  button.setAttribute("aria-expanded", "false");
  figures[0].before(button);
  if (query().get("table") === name) toggle(Answer.stateFrom(query())).then(() => article.scrollIntoView());
}

// The tool of its own page, where any table can be chosen.
function chooser(place) {
  const links = [...document.querySelectorAll("#main tbody th a[href*='#']")];
  const tables = links.map((link) => [link.hash.slice(1), link.textContent]).sort((a, b) => a[1].localeCompare(b[1], LANGUAGE));
  let tool;
  const start = (name, state) => {
    tool?.root.remove();
    tool = new Tool(place, name, state);
    return tool.start();
  };
  const asked = query().get("table"), first = tables.some(([name]) => name === asked) ? asked : links[0].hash.slice(1);
  place.append(select("table", say("table"), tables, first, (name) => start(name, Answer.stateFrom(new URLSearchParams())).then(() => history.replaceState(null, "", tool.address()))));
  start(first, Answer.stateFrom(query()));
}

// The page that other sites show: the question of its address, and a way to the site.
async function embedded(place) {
  const tool = new Tool(place, query().get("table"), Answer.stateFrom(query())), source = document.querySelector(".ask-source");
  await tool.start();
  const note = document.querySelector(".note"); // a site without simulated figures has none
  if (note && tool.table && !tool.table.facts.is_simulated) note.hidden = true;
  source.addEventListener("click", () => (source.href = tool.address(source.href)));
}

const place = document.querySelector(".ask-here");
if (place) {
  place.hidden = false;
  place.closest(".embed") ? embedded(place) : chooser(place);
}
for (const article of document.querySelectorAll("article.card[id]")) offer(article);
