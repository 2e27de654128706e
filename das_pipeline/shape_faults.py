"""What pydantic finds wrong in a file, said to the person who wrote the file: line, key, what is wrong and how to mend it."""

from __future__ import annotations

import re
import types
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, RootModel, ValidationError

from das_pipeline.errors import Fault, nearest
from das_pipeline.yaml_reader import Document, Loc, dotted


class Mistakes(ValueError):
    """What a validator finds wrong with a model: the way to each value, and a sentence."""

    def __init__(self, found: Iterable[tuple[Loc, str]]) -> None:
        self.found = list(found)
        super().__init__("; ".join(sentence for _, sentence in self.found))


def shape_faults(document: Document, model: type[BaseModel], content: Any, error: ValidationError) -> list[Fault]:
    """Return the faults in `document`, whose `content` is not a `model`: one for each value that is wrong."""
    faults: dict[tuple[str, int], Fault] = {}
    for one in error.errors():
        loc = _written(content, one["loc"])
        for more, sentence in _sentences(one, model, loc):
            where = (*loc, *more)
            fault = Fault(document.file, document.line(where), dotted(where), sentence)
            faults.setdefault((fault.key, fault.line), fault)
    return list(faults.values())


def _written(content: Any, loc: Loc) -> tuple[str | int, ...]:
    """Return the steps of `loc` that are in the file, and a last one that is missing from it: pydantic adds names of its own types."""
    steps: list[str | int] = []
    for number, step in enumerate(loc):
        if isinstance(content, dict) and str(step) in content:
            content = content[str(step)]
        elif isinstance(content, list) and isinstance(step, int) and step < len(content):
            content = content[step]
        elif number < len(loc) - 1 or not isinstance(content, dict) or str(step).startswith("["):
            continue
        steps.append(step)
    return tuple(steps)


def _sentences(error: Any, model: type[BaseModel], loc: Loc) -> Iterator[tuple[Loc, str]]:
    kind, given, context = error["type"], error["input"], error.get("ctx", {})
    if kind == "value_error" and isinstance(context["error"], Mistakes):
        yield from context["error"].found
    elif kind == "extra_forbidden":
        yield (), f"this key is not known here. {nearest(str(error['loc'][-1]), _keys(model, loc[:-1]))}"
    elif kind == "missing":
        yield (), "this key is missing: add it."
    elif kind == "string_type" and isinstance(given, bool | int | float):
        shown = str(given).lower() if isinstance(given, bool) else given
        yield (), f'a text is expected, and unquoted {shown} is none: write "{shown}".'
    elif kind == "literal_error":
        words = re.findall(r"'([^']*)'", context["expected"])
        yield (), f"{given} is not one of the words here. {nearest(str(given), words)}"
    elif kind in {"less_than_equal", "greater_than_equal"}:
        most = context.get("le", context.get("ge"))
        share = f" A share is of 1: {given} % is {given / 100:g}." if most == 1 and given > 1 else ""
        yield (), f"{given} is {'more' if 'le' in context else 'less'} than {most:g}.{share}"
    elif kind == "value_error":
        yield (), f"{context['error']}."
    else:
        yield (), SENTENCES.get(kind, f"{error['msg']}.").format(**context)


SENTENCES = {
    "string_type": "a text is expected here.",
    "bool_type": "write true or false, without quotes.",
    "int_type": "a whole number is expected, without quotes.",
    "int_from_float": "a whole number is expected.",
    "float_type": "a number is expected, without quotes.",
    "date_from_datetime_parsing": "a day of the calendar is expected: yyyy-mm-dd.",
    "date_parsing": "a day of the calendar is expected: yyyy-mm-dd.",
    "date_type": "a day of the calendar is expected: yyyy-mm-dd.",
    "dict_type": "keys with values are expected here (key: value).",
    "model_type": "keys with values are expected here (key: value).",
    "list_type": "a list is expected here: [one, two].",
    "tuple_type": "a list is expected here: [one, two].",
    "string_pattern_mismatch": "it must have the form {pattern}.",
    "too_short": "at least {min_length} is expected here.",
    "too_long": "at most {max_length} are expected here.",
    "string_too_short": "it may not be empty.",
    "string_too_long": "it may have {max_length} characters.",
}


def _keys(model: type[BaseModel], loc: Loc) -> set[str]:
    """Return the keys that may be at `loc` in a file of this model."""
    kinds: list[Any] = [model]
    for step in loc:
        kinds = [inner for kind in kinds for inner in _inside(kind, step)]
    return {field.alias or name for kind in kinds for name, field in getattr(kind, "model_fields", {}).items()}


def _inside(kind: Any, step: str | int) -> Iterator[Any]:
    """Yield the models that a value of type `kind` has at `step`."""
    if isinstance(kind, type) and issubclass(kind, RootModel):
        yield from (inner for plain in _plain(kind.model_fields["root"].annotation) for inner in _inside(plain, step))
    elif isinstance(kind, type) and issubclass(kind, BaseModel):
        field = next((f for name, f in kind.model_fields.items() if step in (name, f.alias)), None)
        if field is not None:
            yield from _plain(field.annotation)
    elif get_origin(kind) is dict:
        yield from _plain(get_args(kind)[1])
    elif get_origin(kind) in (list, tuple):
        yield from _plain(get_args(kind)[0])


def _plain(annotation: Any) -> Iterator[Any]:
    """Yield the members of a union, without what is annotated to them."""
    if get_origin(annotation) is Annotated:
        yield from _plain(get_args(annotation)[0])
    elif get_origin(annotation) in (Union, types.UnionType):
        for member in get_args(annotation):
            yield from _plain(member)
    else:
        yield annotation
