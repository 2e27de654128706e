// Answers questions about tables beside the page, so that the page never waits: { url } opens a table, { url, query } asks it.
import "./parquet.js"; // which table.js imports too: so both are fetched at once
import { read, select } from "./table.js";

const tables = new Map();

const open = (url) => {
  if (!tables.has(url)) tables.set(url, fetch(url).then(async (got) => (got.ok ? read(await got.arrayBuffer()) : Promise.reject(got.status))));
  return tables.get(url);
};

// What a page needs to know of a table: its facts, and of each column its description, its labels and the codes that occur.
const about = ({ facts, columns, late }) => ({
  facts,
  late,
  columns: Object.fromEntries(Object.entries(columns).map(([name, { codes, labels, description }]) => [name, { codes, labels, description }])),
});

onmessage = async ({ data: { id, url, query } }) => {
  try {
    const table = await open(url);
    postMessage({ id, answer: query ? select(table, query) : about(table) });
  } catch (error) {
    tables.delete(url);
    postMessage({ id, error: String(error) });
  }
};
