// The only script that every page loads: it fetches the rest where there is something to ask. A page that was opened from a folder has no
// server to fetch from, and says so. Modules are asked for at once: one that another one imports would come a round trip later.
function load(...names) {
  for (const name of names) import(`./${name}.js`);
}
if (document.querySelector(".answers") && location.protocol !== "file:") import("./search.js");
if (document.querySelector(".years") && location.protocol !== "file:") load("flow", "chart", "codes", "forms", "parts", "tables");
if (document.querySelector("article.card[id], .ask-here")) {
  if (location.protocol === "file:") document.querySelector(".from-folder").hidden = false;
  else load("ask", "answer", "chart", "codes", "forms", "keep", "parts", "show", "tables");
}

// An open part of the menu lies over the page: Escape, a click elsewhere or leaving it by keyboard closes it.
const groups = document.querySelectorAll("details.group");
for (const group of groups) {
  group.addEventListener("keydown", (event) => event.key === "Escape" && group.open && ((group.open = false), group.firstElementChild.focus()));
  group.addEventListener("focusout", ({ relatedTarget }) => relatedTarget && !group.contains(relatedTarget) && (group.open = false));
}
document.addEventListener("click", ({ target }) => groups.forEach((group) => !group.contains(target) && (group.open = false)));

// A table that is wider than its place can be scrolled by keyboard; another one is no stop for it.
const sized = new ResizeObserver((places) => {
  for (const { target } of places) target.scrollWidth > target.clientWidth ? target.setAttribute("tabindex", "0") : target.removeAttribute("tabindex");
});
for (const place of document.querySelectorAll(".scroll")) sized.observe(place);
