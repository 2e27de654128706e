"""Parquet as rows of cells. Its directory is at the end, so the packed bytes are held in memory; rows are not."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from das_pipeline.deliveries.cells import ROWS_A_BATCH, Cells, compute, is_text, pieces
from das_pipeline.deliveries.unpacking import Growth, NotReadable, gathered, require_distinct

_DAMAGE = (pa.ArrowException, OSError, ValueError)  # what the library raises; its texts may hold values


def parquet_cells(chunks: Iterable[bytes], growth: Growth, texts: Collection[str] = ()) -> tuple[tuple[str, ...], Iterator[Cells]]:
    """The names of the columns of a Parquet file, and its rows, numbered from 1.

    `texts` are the columns of text: truth or a fraction in one, as 1.1 for 1.10, is not what was meant (I05).
    """
    packed = gathered(growth.counted(chunks))
    try:
        schema = pq.read_schema(packed)
        names = tuple(schema.names)
        # Texts stay in their dictionary until it is known how much they are when written out.
        # Moments as old tools write them are read in microseconds: in nanoseconds the year 9999 would become another.
        file = pq.ParquetFile(
            pa.BufferReader(packed.getbuffer()),
            read_dictionary=[f.name for f in schema if is_text(f.type)],
            coerce_int96_timestamp_unit="us",
        )
        groups = [file.metadata.row_group(n) for n in range(file.metadata.num_row_groups)]
        unpacked = sum(group.total_byte_size for group in groups)
        encodings = {e for group in groups for n in range(group.num_columns) for e in group.column(n).encodings}
    except _DAMAGE:
        raise NotReadable("I03", "is not a Parquet file, or is damaged. Ask for it again.") from None
    growth.require(unpacked)
    require_distinct(names)
    if any(pa.types.is_nested(field.type) for field in schema):
        raise NotReadable("I03", "has columns that hold more than one value a row. Ask for plain columns.")
    if odd := sorted({str(field.type) for field in schema if not _is_read(field.type)}):
        raise NotReadable("I03", f"has columns of a type that is not read here: {', '.join(odd)}. Ask for them as text.")
    if "DELTA_BYTE_ARRAY" in encodings:  # a text is written as what it shares with the one before: a page does not say how much it holds
        raise NotReadable("I03", "has text in the encoding DELTA_BYTE_ARRAY. Ask for it with plain or dictionary encoding.")
    of_text = [unicodedata.normalize("NFC", name.strip()) in texts for name in names]
    return names, _parquet_rows(file, names, of_text, growth)


def _parquet_rows(file: pq.ParquetFile, names: Sequence[str], of_text: Sequence[bool], growth: Growth) -> Iterator[Cells]:
    start = 1
    try:
        for batch in file.iter_batches(ROWS_A_BATCH):
            for first, length in pieces(names, batch.columns, growth):
                texts: list[pa.Array] = []
                faults: list[str | None] = [None] * length
                for column, must_be_text in zip(map(_computable, batch.slice(first, length).columns), of_text, strict=True):
                    text, wrong = _as_text(column)
                    wrong = [*wrong, *_no_texts(column)] if must_be_text else wrong
                    is_letters = is_text(column.type) or pa.types.is_dictionary(column.type)
                    texts.append(text)
                    for row in wrong:
                        faults[row] = faults[row] or ("I03" if is_letters else "I05")
                yield Cells(start, texts, faults)
                start += length
    except _DAMAGE:
        raise NotReadable("I03", "is damaged. Ask for it again.") from None


def _computable(column: pa.Array) -> pa.Array:
    """A column in a type that the library computes with: half a float is exact as a float."""
    return compute.cast(column, pa.float32()) if pa.types.is_float16(column.type) else column


def _as_text(column: pa.Array) -> tuple[pa.Array, Sequence[int]]:
    """A column as text, and the rows whose value is no text in UTF-8, or cannot be told exactly."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _as_text(column.dictionary_decode())
    if is_text(kind):
        return _checked(compute.cast(column, pa.binary()))
    if pa.types.is_timestamp(kind):
        local = column if kind.tz is None else compute.local_timestamp(column)  # the day is that of the clock on the wall
        # Rounded down: a cast would round towards 1970, and make the last moment of a day before it the first of the next.
        moments = compute.cast(compute.floor_temporal(local, unit="second"), pa.timestamp("s"), safe=False)
        days = compute.cast(moments, pa.date32(), safe=False)
        is_day = compute.equal(compute.cast(days, pa.timestamp("s")), moments)
        return compute.if_else(is_day, compute.cast(days, pa.string()), compute.strftime(moments, "%Y-%m-%d %H:%M:%S")), ()
    if pa.types.is_floating(kind):
        return _number_text(column)
    if pa.types.is_time(kind):
        return _time_text(column)
    if isinstance(kind, pa.UuidType):
        return _uuid_text(column.storage), ()
    text = compute.cast(column, pa.string())
    if pa.types.is_decimal(kind):  # 12.5000 is 12.5, and 12.0000 is 12
        text = compute.replace_substring_regex(text, r"(\.[0-9]*[1-9])0+$", r"\1")
        text = compute.replace_substring_regex(text, r"\.0+$", "")
    return text, ()


def _no_texts(column: pa.Array) -> Sequence[int]:
    """The rows of a column whose value cannot stand for a text: truth, and numbers with a fraction."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _no_texts(column.dictionary_decode())
    if pa.types.is_boolean(kind):
        return compute.indices_nonzero(compute.is_valid(column)).to_pylist()
    if pa.types.is_floating(kind):
        return compute.indices_nonzero(compute.fill_null(compute.not_equal(compute.floor(column), column), False)).to_pylist()
    return ()


def _is_read(kind: pa.DataType) -> bool:
    """Whether values of a type can be told as text: the others are refused by name, not called damaged."""
    types = pa.types
    plain = (types.is_boolean, types.is_integer, types.is_floating, types.is_decimal, types.is_date, types.is_timestamp, types.is_time)
    kind = kind.value_type if types.is_dictionary(kind) else kind
    return is_text(kind) or types.is_null(kind) or isinstance(kind, pa.UuidType) or any(is_kind(kind) for is_kind in plain)


def _number_text(column: pa.Array) -> tuple[pa.Array, Sequence[int]]:
    """Floating numbers as text. Beyond the whole numbers that the type can tell apart, the last digits are those of another number."""
    limit = {32: 2**24, 64: 2**53}[column.type.bit_width]
    text = compute.cast(column, pa.string())
    is_exact = compute.less(compute.abs(column), limit)  # not so for NaN and infinity
    is_whole = compute.and_(is_exact, compute.equal(compute.floor(column), column))
    whole = compute.cast(compute.if_else(is_whole, column, None), pa.int64())
    lost = compute.indices_nonzero(compute.fill_null(compute.invert(is_exact), False)).to_pylist()
    return compute.coalesce(compute.cast(whole, pa.string()), text), lost


def _time_text(column: pa.Array) -> tuple[pa.Array, Sequence[int]]:
    """Times of the day as text. 24:00 is the end of a day; what lies outside it is no time."""
    day = 86_400 * {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[column.type.unit]
    ticks = column.view(pa.int32() if pa.types.is_time32(column.type) else pa.int64())
    is_inside = compute.and_(compute.greater_equal(ticks, 0), compute.less(ticks, day))
    text = compute.cast(compute.if_else(is_inside, ticks, None).view(column.type), pa.string())
    text = compute.if_else(compute.equal(ticks, day), "24:00:00", text)
    return text, compute.indices_nonzero(compute.and_(compute.is_null(text), compute.is_valid(ticks))).to_pylist()


def _uuid_text(storage: pa.Array) -> pa.Array:
    """Sixteen bytes each as the 8-4-4-4-12 digits that other tools write."""
    filled = compute.fill_null(storage, bytes(16))
    digits = b"".join(filled.to_pylist()).hex().encode()
    text = compute.cast(
        compute.cast(pa.FixedSizeBinaryArray.from_buffers(pa.binary(32), len(storage), [None, pa.py_buffer(digits)]), pa.binary()),
        pa.string(),
    )
    places = ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32))
    joined = compute.binary_join_element_wise(*(compute.utf8_slice_codeunits(text, start, stop) for start, stop in places), "-")
    return compute.if_else(compute.is_valid(storage), joined, None)


def _checked(column: pa.Array) -> tuple[pa.Array, Sequence[int]]:
    text = column.view(pa.string())
    try:
        text.validate(full=True)
        odd = compute.fill_null(compute.find_substring(text, "\0"), -1)
        return text, compute.indices_nonzero(compute.greater_equal(odd, 0)).to_pylist()
    except pa.ArrowInvalid:
        words: list[str | None] = []
        wrong = []
        for row, raw in enumerate(column.to_pylist()):
            word = None if raw is None else raw.decode("utf-8", errors="replace")
            words.append(word)
            if word is not None and (word.encode() != raw or "\0" in word):
                wrong.append(row)
        return pa.array(words, pa.string()), wrong
