// How a page's language writes numbers, periods, shares and changes. The words are in the page; the limits of shares are those of
// website/language.py: a share says no more than rounded counts can.
const part = (name) => document.querySelector("template").content.querySelector(name);
const pairs = (name) => Object.fromEntries([...part(name).querySelectorAll("dt")].map((term) => [term.textContent, term.nextElementSibling.textContent]));
const WORDS = pairs(".words"), FORMS = pairs(".forms");
const MONTHS = [...part(".forms").querySelectorAll("dd")].map((e) => e.textContent).slice(2, 14);
export const UNITS = pairs(".units"), PUBLISHER = FORMS.publisher, EDITION = FORMS.edition;
// By scheme, the places of its areas on a map of tiles: rows of concepts, "" where there is nothing.
export const MAPS = Object.fromEntries([...part(".maps").querySelectorAll("dt")].map((scheme) => [
  scheme.textContent, [...scheme.nextElementSibling.children].map((row) => [...row.children].map((place) => place.textContent))]));
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

const CHANGE_FROM = 200, CHANGE_AT_LEAST = 10, FINE_CHANGE_FROM = 10_000;

// A change in per cent; null where the earlier count is too small for one.
function percentOf(now, before) {
  if (before < CHANGE_FROM) return null;
  const by = before >= FINE_CHANGE_FROM ? 10 : 1;
  return { value: even((by * 100 * Math.abs(now - before)) / before) / by, decimals: by > 1 ? 1 : 0 };
}

// How `now` differs from `old`, the count of the period `before`, in words.
export function change(now, old, before) {
  const direction = now > old ? "more" : "fewer", percent = percentOf(now, old);
  if (Math.abs(now - old) < CHANGE_AT_LEAST || percent?.value === 0) return say("about_the_same", { before });
  return percent ? say(`percent_${direction}`, { percent: number(percent.value, percent.decimals), before }) : say(direction, { before });
}

// The same in a table: a signed percentage, or only a sign.
export function signedChange(now, old) {
  if (Math.abs(now - old) < CHANGE_AT_LEAST) return "≈";
  const sign = now > old ? "+" : "−", percent = percentOf(now, old);
  if (percent?.value === 0) return "≈";
  return percent ? say("percent", { n: sign + number(percent.value, percent.decimals) }) : sign;
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
