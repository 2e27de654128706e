// What a reader takes along: the selection as CSV, the picture as SVG or PNG with its title and origin in it, and texts to paste.
import { node, wrapped } from "./chart.js";

export function save(name, content, type) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

const quoted = (value) => (/[",\r\n]/.test(value) ? `"${String(value).replaceAll('"', '""')}"` : String(value));

// The mark at the start lets a spreadsheet see that the text is UTF-8.
export const csv = (rows) => `\ufeff${rows.map((row) => row.map(quoted).join(",")).join("\r\n")}\r\n`;

// A figure as reference managers read it.
const latex = (text) => text.replace(/[&%$#_{}]/g, "\\$&");

export const bibtex = ({ key, title, publisher, day, note, address }) =>
  [`@misc{${key},`, `  author = {{${latex(publisher)}}},`, `  title = {{${latex(title)}}},`, `  year = {${day.slice(0, 4)}},`, `  publisher = {${latex(publisher)}},`,
    `  note = {${latex(note)}},`, `  url = {${address}},`, "}", ""].join("\n");

export const ris = ({ title, publisher, day, note, address }) =>
  ["TY  - DATA", `AU  - ${publisher}`, `TI  - ${title}`, `PY  - ${day.slice(0, 4)}`, `DA  - ${day.replaceAll("-", "/")}`, `PB  - ${publisher}`, `N1  - ${note}`, `UR  - ${address}`, "ER  - ", ""].join("\r\n");

// The drawn chart as a picture of its own: a title above it, its origin below it, and colours instead of their names.
export function picture(svg, title, foot) {
  const { width, height } = svg.viewBox.baseVal, style = getComputedStyle(document.documentElement), pad = 16;
  const above = wrapped(title, width, 17, 700), below = wrapped(foot, width, 12);
  const top = above.length * 24 + 8, whole = pad + top + height + 10 + below.length * 17 + pad;
  const written = (words, y, more) => node("text", { x: pad, y, fill: "var(--ink)", ...more }, words);
  const inner = svg.cloneNode(true);
  inner.querySelectorAll(".marker").forEach((marker) => marker.remove());
  for (const [name, value] of [["x", pad], ["y", pad + top], ["aria-hidden", null]]) value === null ? inner.removeAttribute(name) : inner.setAttribute(name, value);
  const outer = node(
    "svg",
    { viewBox: `0 0 ${width + 2 * pad} ${whole}`, width: width + 2 * pad, height: whole, "font-family": getComputedStyle(document.body).fontFamily },
    node("title", {}, title),
    node("desc", {}, foot),
    node("rect", { width: width + 2 * pad, height: whole, fill: "var(--card)" }),
    ...above.map((words, i) => written(words, pad + 17 + i * 24, { "font-size": 17, "font-weight": 700 })),
    inner,
    ...below.map((words, i) => written(words, pad + top + height + 22 + i * 17, { "font-size": 12, fill: "var(--soft)" })),
  );
  return new XMLSerializer().serializeToString(outer).replace(/var\((--[\w-]+)\)/g, (_, name) => style.getPropertyValue(name).trim());
}

// The SVG as a PNG of twice its size.
export async function png(svg) {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [2 * image.width, 2 * image.height];
  const brush = canvas.getContext("2d");
  brush.scale(2, 2);
  brush.drawImage(image, 0, 0);
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}
