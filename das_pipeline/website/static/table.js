// A published table in memory: read from its Parquet file, with codes as small numbers, so that a question is one pass over typed arrays.
import { decompress, parquetMetadata, parquetRead } from "./parquet.js";


const GONE = new Set(["not_known", "not_shown", "not_applicable", "confidential"]); // statuses of cells without a value

// Read the bytes of a published Parquet file: { facts, columns, n }. A column has its `codes`, the number of each code, and its `values`:
// the numbers of the rows' codes.
export async function read(file) {
  const metadata = parquetMetadata(file);
  const columns = {}, rows = Number(metadata.num_rows), n = new Float64Array(rows);
  const about = Object.fromEntries(metadata.key_value_metadata.map(({ key, value }) => [key, value]));
  const described = fieldsOf(about["ARROW:schema"]);
  const names = [...described.keys()].filter((name) => name !== "n" && name !== "is_simulated");
  for (const name of names) columns[name] = { codes: [], number: new Map(), values: new Uint16Array(rows), ...described.get(name) };
  await parquetRead({
    file,
    metadata,
    columns: [...names, "n"],
    compressors: { ZSTD: (input, size) => decompress(input, new Uint8Array(size)) },
    onChunk: ({ columnName, columnData, rowStart }) => {
      if (columnName === "n") for (let i = 0; i < columnData.length; i++) n[rowStart + i] = Number(columnData[i]);
      else encode(columns[columnName], columnData, rowStart);
    },
  });
  return { facts: JSON.parse(about.das), columns, n, late: lateIn(columns) };
}

// The periods of which a source has not delivered everything, or of which no cell has a value: the last one that is told is none of these.
function lateIn({ period, status }) {
  const found = new Map(period.codes.map((code) => [code, new Set()]));
  period.values.forEach((value, i) => found.get(period.codes[value]).add(status.codes[status.values[i]]));
  return period.codes.filter((code) => found.get(code).has("incomplete") || found.get(code).has("not_known") || [...found.get(code)].every((s) => GONE.has(s)));
}

function encode(column, data, start) {
  let last, number;
  for (let i = 0; i < data.length; i++) {
    if (data[i] !== last) {
      last = data[i];
      number = column.number.get(last);
      if (number === undefined) {
        number = column.codes.length;
        column.number.set(last, number);
        column.codes.push(last);
      }
    }
    column.values[start + i] = number;
  }
}

// The cells of two axes: { n, status }, each a list with a row of the columns' cells for each row. An axis is { dim, codes }; `at` has the
// codes of every other column, whose cells are added up. A cell that the table does not have, or that has no value, is null.
export function select(table, { rows, cols, at }) {
  const size = rows.codes.length * cols.codes.length;
  const n = new Array(size).fill(null), status = new Array(size).fill(null);
  const [row, col] = [rows, cols].map(({ dim, codes }) => numbered(table.columns[dim], codes));
  const others = Object.entries(at).map(([dim, codes]) => [table.columns[dim].values, numbered(table.columns[dim], codes)]);
  const [ofRow, ofCol] = [table.columns[rows.dim].values, table.columns[cols.dim].values];
  const { values: statuses, codes: named } = table.columns.status;
  next: for (let i = 0; i < ofRow.length; i++) {
    const r = row[ofRow[i]];
    if (r < 0) continue;
    const c = col[ofCol[i]];
    if (c < 0) continue;
    for (let k = 0; k < others.length; k++) if (others[k][1][others[k][0][i]] < 0) continue next;
    const place = r * cols.codes.length + c, found = named[statuses[i]];
    status[place] = worse(status[place], found);
    if (!GONE.has(found)) n[place] = (n[place] ?? 0) + table.n[i];
  }
  for (let i = 0; i < size; i++) if (GONE.has(status[i])) n[i] = null; // a sum of which a part has no value has none
  return { n, status };
}

// The place of each code of a column in `codes`, or -1.
function numbered(column, codes) {
  const places = new Int32Array(column.codes.length).fill(-1);
  codes.forEach((code, place) => column.number.has(code) && (places[column.number.get(code)] = place));
  return places;
}

const WORSE = ["final", "estimate", "provisional", "incomplete", "not_applicable", "not_shown", "confidential", "not_known"];
const worse = (a, b) => (a === null || WORSE.indexOf(b) > WORSE.indexOf(a) ? b : a);

// The descriptions and code labels of each field, from the Arrow schema that the file carries. It is a FlatBuffer: a table starts with the
// distance to the list of its fields' places; see Message, Schema, Field and KeyValue in Arrow's Message.fbs and Schema.fbs.
function fieldsOf(base64) {
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)), view = new DataView(bytes.buffer);
  const follow = (at) => at + view.getUint32(at, true);
  const field = (table, index) => {
    const list = table - view.getInt32(table, true), slot = 4 + 2 * index;
    const place = slot < view.getUint16(list, true) ? view.getUint16(list + slot, true) : 0;
    return place && table + place;
  };
  const text = (at) => (at ? new TextDecoder().decode(bytes.subarray(follow(at) + 4, follow(at) + 4 + view.getUint32(follow(at), true))) : "");
  const each = (at) => (at ? Array.from({ length: view.getUint32(follow(at), true) }, (_, i) => follow(follow(at) + 4 + 4 * i)) : []);
  const schema = follow(field(follow(8), 2));
  return new Map(
    each(field(schema, 1)).map((one) => {
      const facts = Object.fromEntries(each(field(one, 6)).map((pair) => [text(field(pair, 0)), text(field(pair, 1))]));
      const labels = new Map(JSON.parse(facts.codes ?? "[]").map(({ code, ...label }) => [code, label]));
      return [text(field(one, 0)), { labels, description: facts }];
    }),
  );
}
