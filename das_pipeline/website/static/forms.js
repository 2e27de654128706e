// How a page's language writes numbers, periods, shares and changes. The words are in the page; the limits of shares are those of
// website/language.py: a share says no more than rounded counts can.
const part = (name) => document.querySelector("template").content.querySelector(name);
const pairs = (name) => Object.fromEntries([...part(name).querySelectorAll("dt")].map((term) => [term.textContent, term.nextElementSibling.textContent]));
const WORDS = pairs(".words"), FORMS = pairs(".forms");
const MONTHS = [...part(".forms").querySelectorAll("dd")].map((e) => e.textContent).slice(2, 14);
export const UNITS = pairs(".units"), PUBLISHER = FORMS.publisher, EDITION = FORMS.edition;
export const EMBED = part("a").getAttribute("href"); // the page that other sites show
export const LANGUAGE = document.documentElement.lang;

export const say = (word, parts = {}) => (WORDS[word] ?? word).replace(/\{(\w+)\}/g, (_, name) => parts[name] ?? "");

export function number(n, decimals = 0) {
  const [whole, part] = Math.abs(n).toFixed(decimals).split(".");
  const minus = n < 0 && Number(n.toFixed(decimals)) !== 0 ? "−" : "";
  return minus + whole.replace(/\B(?=(\d{3})+$)/g, FORMS.thousands) + (part ? FORMS.decimal + part : "");
}

export function period(text) {
  const [year, part] = text.split("-");
  if (!part) return year;
  return part[0] === "Q" ? say("quarter", { quarter: part[1], year }) : `${MONTHS[part - 1]} ${year}`;
}

// `part` of `whole` in per cent: { value, text }; null where the counts are too small for a share.
export function share(part, whole, isExact) {
  if (part === null || !whole) return null;
  if (isExact) return { value: (100 * part) / whole, text: say("percent", { n: number((100 * part) / whole, 1) }) };
  if (whole < 50) return null;
  const step = whole >= 100 ? 1 : 5, value = even((100 * part) / whole / step) * step;
  if (whole < 500 || value === 0 || value === 100) {
    if (value < 5) return { value: 2.5, text: say("under_5") };
    if (value > 95) return { value: 97.5, text: say("over_95") };
  }
  return { value, text: say("percent", { n: number(value) }) };
}

// `n` when `first` is 100; null where `first` is too small for a percentage.
export function index(n, first, isExact) {
  if (n === null || !first || (!isExact && first < 200)) return null;
  const value = even((100 * n) / first);
  return { value, text: number(value) };
}

// Rounded, and halves to the even number, as the pages round.
function even(x) {
  const low = Math.floor(x);
  return x - low === 0.5 ? low + (low % 2) : Math.round(x);
}
