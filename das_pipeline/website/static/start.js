// The only script that every page loads: it fetches the rest where there is something to ask. A page that was opened from a folder has no
// server to fetch from, and says so.
if (document.querySelector("article.card[id], .ask-here")) {
  if (location.protocol === "file:") document.querySelector(".from-folder").hidden = false;
  else import("./ask.js");
}
