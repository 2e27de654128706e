// What the site uses of its two libraries: reading Parquet, and unpacking zstd.
export { parquetMetadata, parquetRead } from "hyparquet";
export { decompress } from "fzstd";
