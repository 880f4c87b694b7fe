"""What does the description of the API say of every operation?

What follows from how the operations are guarded and named is written here once: who may use it, which refusals that
brings, in which form, and which operation goes on where another ended. So an operation that is added has it as well.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from router.changes.saying import fields_at
from router.storage.access_schema import Role
from router.web.admission import ANYONE, DECLARED, may
from router.web.problems import MEDIA_TYPE as PROBLEM
from router.web.problems import RETRY_AFTER, Problem

METHODS = ("get", "post", "put", "patch", "delete")

# What FastAPI says of requests that don't fit; ours are problems.
_NOT_OURS = ("HTTPValidationError", "ValidationError")
_OURS = {"$ref": "#/components/schemas/Problem"}
_PLACE = re.compile(r"\{(\w+)\}$")

_RETRY = {
    "Retry-After": {
        "description": "Seconds after which to try again.",
        "schema": {"type": "string", "pattern": "^[0-9]+$", "examples": [RETRY_AFTER]},
    }
}
_AGAIN = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
_DETAILS: Mapping[int, tuple[str, str]] = {
    401: ("key-refused", "this key is unknown, revoked or expired; 'router key new NAME --role …' makes another"),
    403: ("role-too-small", "the key 'wall screen' is of the role viewer; this takes editor"),
    404: ("unknown", "there is none with this id: the list shows those that are there"),
    409: ("taken", "another one has this already"),
    412: ("changed", "it is at version 2 by now: read it again, and repeat what you meant"),
    422: ("invalid", "/body/name: this field is missing"),
    428: ("if-match-missing", "send the ETag of what you have read as If-Match, so that nobody's change is lost"),
    429: ("too-many-requests", "this key asks too often: spread the requests, and go on in 1 s"),
    503: ("database-unavailable", "the database doesn't answer, but calls are routed: try later"),
}


def completed(description: dict[str, Any]) -> dict[str, Any]:
    """FastAPI's description with all this; the same object. Raises nothing."""
    schemas = description["components"]["schemas"]
    for name in _NOT_OURS:
        schemas.pop(name, None)
    schemas["Problem"] = _schema_of_problem(schemas)
    paths: dict[str, dict[str, dict[str, Any]]] = description["paths"]
    _bring_null_back(schemas)
    for operation in _operations(paths):
        for body in (operation.get("requestBody", {}), *operation["responses"].values()):
            for media in body.get("content", {}).values():
                if "example" in media:
                    media["example"] = _with_null(media["example"], media.get("schema", {}), schemas)
        _leave_out_null(operation.get("parameters", ()))
        _fill_in(operation)
        _guard(operation)
        _refuse_in_one_form(operation["responses"])
    _link(paths)
    return description


def methods_at(path: str, description: Mapping[str, Any]) -> tuple[str, ...]:
    """Which methods there are at this path; none, when the API has nothing there."""
    found = []
    for template, operations in description["paths"].items():
        if _is_at(path, template):
            found += [method.upper() for method in METHODS if method in operations]
    return tuple(dict.fromkeys(found))


def _is_at(path: str, template: str) -> bool:
    return re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template)), path) is not None


def fields_of(method: str, path: str, location: Sequence[int | str], description: Mapping[str, Any]) -> Sequence[str]:
    """What may be sent there: `location` begins with query or body. Nothing, when nothing is known. Raises nothing."""
    there = (operations for template, operations in description["paths"].items() if _is_at(path, template))
    operation: Mapping[str, Any] = next((one[method.lower()] for one in there if method.lower() in one), {})
    match location:
        case ["query", *_]:
            return [one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"]
        case ["body", *inside]:
            content = operation.get("requestBody", {}).get("content", {})
            schema = content.get("application/json", {}).get("schema", {})
            return fields_at(schema, inside, description["components"]["schemas"])
        case _:
            return ()


def _operations(paths: Mapping[str, Mapping[str, dict[str, Any]]]) -> Iterator[dict[str, Any]]:
    for path in paths.values():
        yield from (path[method] for method in METHODS if method in path)


def _leave_out_null(parameters: Sequence[dict[str, Any]]) -> None:
    """What isn't sent is None to us; there is no way to send null in a query, a path or a header."""
    for parameter in parameters:
        schema = parameter["schema"]
        sendable = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
        if len(sendable) == 1:
            del schema["anyOf"]
            schema.update(sendable[0])


def _fill_in(operation: dict[str, Any]) -> None:
    """What has to be sent stands in the documentation's form already; filters don't, they would hide what is there."""
    for parameter in operation.get("parameters", ()):
        needed = parameter["required"] or (parameter["name"] == "if-match" and "428" in operation["responses"])
        if needed and (examples := parameter["schema"].get("examples")):
            parameter["example"] = examples[0]


def _bring_null_back(schemas: dict[str, dict[str, Any]]) -> None:
    """FastAPI leaves every null out of the examples, also where a field is always there."""
    for schema in schemas.values():
        if "example" in schema:
            schema["example"] = _with_null(schema["example"], schema, schemas)


def _with_null(example: Any, schema: Mapping[str, Any], schemas: Mapping[str, Mapping[str, Any]]) -> Any:
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    match example:
        case dict():
            known: Mapping[str, Any] = schema.get("properties", {})
            null = {
                name: None for name in schema.get("required", ()) if name not in example and _may_be_null(known[name])
            }
            return {name: _with_null(value, known.get(name, {}), schemas) for name, value in example.items()} | null
        case list():
            return [_with_null(one, schema.get("items", {}), schemas) for one in example]
        case _:
            return example


def _may_be_null(schema: Mapping[str, Any]) -> bool:
    return {"type": "null"} in schema.get("anyOf", ())


def _guard(operation: dict[str, Any]) -> None:
    """Which refusals come of who is asked for a key, and of what can be sent."""
    responses = operation["responses"]
    if operation.get(DECLARED) == ANYONE:
        operation["security"] = []
    else:
        to_everybody = all(may(role, operation.get(DECLARED)) for role in Role)
        for status in (401, 429, 503) if to_everybody else (401, 403, 429, 503):
            responses.setdefault(str(status), {"content": {PROBLEM: {"schema": _OURS}}})
    responses.pop("422", None)
    if operation.get("parameters") or operation.get("requestBody"):
        responses["422"] = {"content": {PROBLEM: {"schema": _OURS}}}


def _refuse_in_one_form(responses: dict[str, dict[str, Any]]) -> None:
    """Refusals are problems; where one says more (why the router isn't ready), it is either."""
    for code, response in responses.items():
        if not code.isdigit() or int(code) < HTTPStatus.BAD_REQUEST:
            continue
        status = HTTPStatus(int(code))
        content = response.setdefault("content", {})
        said = content.pop("application/json", {}) | content.pop(PROBLEM, {})
        schema = said.get("schema", _OURS)
        said["schema"] = schema if schema == _OURS else {"anyOf": [schema, _OURS]}
        kind, detail = _DETAILS.get(status, ("refused", "say it otherwise"))
        said.setdefault("example", _problem(status, kind, detail))
        response["content"] = {PROBLEM: said}
        response["description"] = status.phrase
        if status in _AGAIN:
            response["headers"] = _RETRY
    ordered = sorted(responses.items())
    responses.clear()
    responses.update(ordered)


def _problem(status: HTTPStatus, kind: str, detail: str) -> dict[str, Any]:
    return {"type": f"urn:router:problem:{kind}", "title": status.phrase, "status": status.value, "detail": detail}


def _schema_of_problem(schemas: dict[str, Any]) -> dict[str, Any]:
    """As it is written: what is empty is left out. Its parts stand beside it."""
    schema = Problem.model_json_schema(mode="serialization", ref_template="#/components/schemas/{model}")
    schemas.update(schema.pop("$defs", {}))
    return schema


def _link(paths: dict[str, dict[str, dict[str, Any]]]) -> None:
    """Whoever has made, listed or read something can go on with it: its id, and its ETag, stand in the answer."""
    for path, operations in paths.items():
        place = _PLACE.search(path)
        if place is None:
            continue
        of_one = _belonging(paths, path)
        above = paths.get(path[: place.start() - 1], {})
        _offer(above.get("post"), of_one, place[1], lambda name: f"$response.body#/{name}")
        _offer(above.get("get"), of_one, place[1], lambda name: f"$response.body#/items/0/{name}")
        _offer(operations.get("get"), of_one, place[1], lambda name: f"$request.path.{name}")
        _offer(operations.get("put"), of_one, place[1], lambda name: f"$request.path.{name}")


def _belonging(paths: dict[str, dict[str, dict[str, Any]]], path: str) -> list[dict[str, Any]]:
    """What can be done with one of them: at its own path, and at those directly below."""
    below = [one for one in paths if one == path or (one.startswith(f"{path}/") and "{" not in one[len(path) :])]
    return [paths[one][method] for one in below for method in METHODS if method in paths[one]]


def _offer(
    operation: dict[str, Any] | None, of_one: list[dict[str, Any]], name: str, where: Callable[[str], str]
) -> None:
    if operation is None:
        return
    for code, response in operation["responses"].items():
        if code not in ("200", "201"):
            continue
        for one in of_one:
            if one is operation:
                continue
            parameters = {f"path.{name}": where(name)}
            if "ETag" in response.get("headers", {}) and _takes_if_match(one):
                parameters["header.If-Match"] = "$response.header.ETag"
            links = response.setdefault("links", {})
            links[one["operationId"]] = {"operationId": one["operationId"], "parameters": parameters}


def _takes_if_match(operation: dict[str, Any]) -> bool:
    return any(one["in"] == "header" and one["name"].lower() == "if-match" for one in operation.get("parameters", ()))
