// The published tables, read and asked in a worker beside the page, so that the page never waits.
const HERE = new URL("../../tables/", import.meta.url);
const waiting = new Map();
let worker, asked = 0;

// What a page needs to know of a table; with a query, the cells that it asks for.
export function ask(table, query) {
  if (!worker) {
    worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
    worker.onmessage = ({ data: { id, answer, error } }) => {
      const { done, fail } = waiting.get(id);
      waiting.delete(id);
      error ? fail(new Error(error)) : done(answer);
    };
  }
  return new Promise((done, fail) => {
    waiting.set(++asked, { done, fail });
    worker.postMessage({ id: asked, url: new URL(`${table}.parquet`, HERE).href, query });
  });
}
