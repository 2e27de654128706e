// The code of a total, in every table.
export const ALL = "all";
