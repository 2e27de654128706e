// Finds what a reader types in the entries of the search page. Words may be parts of words, as in Dutch compounds; a year chooses the period.
// Groups of one table that are asked for together, such as a crime and a place, become one question to it.
import { say } from "./forms.js";
import { el } from "./parts.js";

const MOST = 40;
const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
const isYear = (word) => /^(19|20)\d\d$/.test(word);

const entries = [...document.querySelectorAll(".index > ul > li")].map((item) => {
  const [link, ...figures] = item.querySelectorAll("a"), also = item.querySelector(":scope > .small")?.textContent ?? "";
  const kind = item.closest("section").querySelector("h2").textContent, of = item.querySelector(":scope > .of")?.textContent;
  return { item, link, figures, title: plain(link.textContent), also: plain(also), kind: of ? `${of} ${kind}` : kind };
});

// How well a word fits an entry: its title begins with it, one of its words does, it has it somewhere, or people say it so.
function fit(word, { title, also }) {
  if (title.startsWith(word)) return 4;
  if (title.includes(` ${word}`)) return 3;
  if (title.includes(word)) return 2;
  return also.includes(word) ? 3 : 0;
}

// The entries that have every word, best first; and questions to tables whose groups together have every word.
function find(text) {
  const said = plain(text).split(/[^\p{L}\p{N}.-]+/u).filter((word) => word.length > 1);
  const words = said.filter((word) => !isYear(word)), year = said.find(isYear);
  if (!words.length) return [];
  const whole = entries.map((entry) => ({ entry, score: Math.min(...words.map((word) => fit(word, entry))) })).filter(({ score }) => score);
  const asked = questions(words, year);
  whole.sort((a, b) => b.score - a.score || a.entry.title.length - b.entry.title.length);
  const seen = new Set();
  return [...asked, ...whole.flatMap(({ entry }) => answersOf(entry, year))].filter(({ href }) => !seen.has(href) && seen.add(href));
}

const answersOf = ({ link, figures, kind }, year) => [
  ...figures.map((a) => ({ href: inYear(a.getAttribute("href"), year), title: `${a.textContent}: ${link.textContent}`, kind: say("search_figure") })),
  { href: inYear(link.getAttribute("href"), year), title: link.textContent, kind },
];

// Tables of which the groups and the title together have every word: a link that chooses the best group for each word.
function questions(words, year) {
  if (words.length < 2) return [];
  const tables = new Map();
  for (const entry of entries) {
    for (const word of words.filter((w) => fit(w, entry))) {
      const score = fit(word, entry) / entry.title.length;
      for (const link of entry.figures) {
        const url = new URL(link.href), name = url.searchParams.get("table");
        const [dim, code] = [...url.searchParams].find(([key]) => key.startsWith("in."));
        if (!tables.has(name)) tables.set(name, { url, title: link.textContent, best: new Map() });
        const { best } = tables.get(name);
        if (!(best.get(word)?.score >= score)) best.set(word, { dim, code, label: entry.link.textContent, score });
      }
    }
  }
  const isInTitle = ({ title }, word) => plain(title).includes(word);
  return [...tables.values()]
    .filter((table) => words.every((word) => table.best.has(word) || isInTitle(table, word)))
    .map(({ url, title, best }) => {
      const chosen = new Map([...best.values()].map((found) => [`${found.dim} ${found.code}`, found]));
      for (const dim of new Set([...chosen.values()].map((found) => found.dim))) {
        url.searchParams.set(dim, [...chosen.values()].filter((found) => found.dim === dim).map((found) => found.code).join(","));
      }
      return { href: inYear(url.href, year), size: chosen.size, title: `${title}: ${[...chosen.values()].map((c) => c.label).join(", ")}`, kind: say("search_figure") };
    })
    .filter(({ size }) => size > 1 || words.length > size)
    .sort((a, b) => b.size - a.size);
}

function inYear(href, year) {
  const url = new URL(href, location.href);
  if (year && url.searchParams.has("table")) for (const name of ["kind", "from", "to", "view"]) url.searchParams.set(name, { kind: "year", view: "table" }[name] ?? year);
  return url.href;
}

const status = document.querySelector(".found"), list = document.querySelector(".answers"), sections = document.querySelectorAll(".index");

function answer(text) {
  const found = find(text), isAsked = plain(text).trim().length > 1;
  for (const section of sections) section.hidden = isAsked;
  list.hidden = !isAsked;
  list.replaceChildren(...found.slice(0, MOST).map(({ href, title, kind }) => el("li", {}, el("a", { href }, title), " ", el("span", { className: "small" }, kind))));
  status.textContent = isAsked ? say(found.length ? "search_found" : "search_nothing", { n: found.length, text }) : "";
}

const field = document.querySelector("#q"), asked = new URLSearchParams(location.search).get("q");
field.form.addEventListener("submit", (event) => event.preventDefault());
field.addEventListener("input", () => {
  answer(field.value);
  history.replaceState(null, "", `?q=${encodeURIComponent(field.value)}`);
});
if (asked) {
  field.value = asked;
  answer(asked);
}
