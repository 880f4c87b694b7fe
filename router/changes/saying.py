"""What is wrong with what was written, and how should it be written instead?

One set of sentences for the API, lists of changes and imports; who reads them has not read our code.
"""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from router.changes.fields import FORMS

KNOWN_AT_MOST = 12  # names of fields in one sentence


def in_words(fault: Mapping[str, Any], known: Sequence[str] = ()) -> str:
    """One of pydantic's errors as a sentence; `known` are the fields that there are where it is. Raises nothing."""
    facts: Mapping[str, Any] = fault.get("ctx") or {}
    match fault["type"]:
        case "missing":
            return "this field is missing: it has to be sent"
        case "extra_forbidden":
            return _no_such_field(str(fault["loc"][-1]), known)
        case "string_pattern_mismatch":
            return FORMS.get(facts["pattern"], f"it has to look like {facts['pattern']}")
        case "json_invalid":
            return f"this is no JSON: {str(facts.get('error', 'it can not be read')).lower()}"
        case "dict_type" | "model_type" | "model_attributes_type" | "dataclass_type":
            return 'write an object: {"name of a field": its value, …}, as application/json'
        case "list_type" | "tuple_type":
            return "write a list: [ … ]"
        case "string_type":
            return "write text, in quotes"
        case "int_type" | "int_parsing" | "int_from_float":
            return "write a whole number"
        case "bool_type" | "bool_parsing":
            return "write true or false"
        case "literal_error" | "enum":
            return f"it is one of {facts['expected']}"
        case "less_than_equal":
            return f"it is {facts['le']} at most"
        case "greater_than_equal":
            return f"it is {facts['ge']} at least"
        case "string_too_long":
            return f"it has {facts['max_length']} characters at most"
        case "string_too_short":
            return (
                "it can't be empty" if facts["min_length"] == 1 else f"it has {facts['min_length']} characters at least"
            )
        case "too_long":
            return f"there are {facts['max_length']} of them at most"
        case "too_short":
            return f"there are {facts['min_length']} of them at least"
        case "timezone_aware" | "datetime_type" | "datetime_parsing" | "datetime_from_date_parsing":
            return "write it with its offset from UTC, as 2026-03-02T09:00:00Z"
        case "value_error":
            return str(fault["msg"]).removeprefix("Value error, ")
        case _:
            return str(fault["msg"])


def fields_at(schema: Mapping[str, Any], location: Sequence[int | str], named: Mapping[str, Any]) -> list[str]:
    """The fields that an object may have there, by its JSON schema; `named` are those that others refer to."""
    schemas = [schema]
    for part in location:
        schemas = [found for one in _meant(schemas, named) if (found := _inside(one, part)) is not None]
    names = [name for one in _meant(schemas, named) for name in one.get("properties", ())]
    return list(dict.fromkeys(names))


def _no_such_field(name: str, known: Sequence[str]) -> str:
    # who writes manager means manager_id, also where other names are more alike
    longer = [one for one in known if one in (f"{name}_id", f"{name}_ids", f"{name}s_ids")]
    alike = longer or get_close_matches(name, known, n=1)
    if alike:
        return f"there is no such field: do you mean {alike[0]}?"
    if 0 < len(known) <= KNOWN_AT_MOST:
        return f"there is no such field; there are {', '.join(known)}"
    return "there is no such field: leave it out; the documentation lists those that there are"


def _meant(schemas: Sequence[Mapping[str, Any]], named: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What stands behind references and choices."""
    found: list[Mapping[str, Any]] = []
    waiting = list(schemas)
    while waiting:
        one = waiting.pop(0)
        if "$ref" in one:
            waiting.append(named.get(one["$ref"].rpartition("/")[2], {}))
        elif choices := (*one.get("anyOf", ()), *one.get("oneOf", ()), *one.get("allOf", ())):
            waiting += choices
        else:
            found.append(one)
    return found


def _inside(schema: Mapping[str, Any], part: int | str) -> Mapping[str, Any] | None:
    found = schema.get("items") if isinstance(part, int) else schema.get("properties", {}).get(part)
    return found if isinstance(found, Mapping) else None
