"""Does the API's description tell the whole of every operation, by itself?"""

import re
from collections.abc import Callable, Iterator
from typing import Any

import jsonschema_rs

from router.storage.access_schema import Role
from router.web.admission import ANYONE, DECLARED
from router.web.app import description_of_api
from tests.web.operations import named

DESCRIPTION = description_of_api()
OPERATIONS = named(DESCRIPTION)


def test_every_operation_says_what_it_is_for_in_words_of_its_own() -> None:
    assert those(lambda one: not one.get("description")) == []
    assert those(lambda one: one["summary"] == one["operationId"].replace("_", " ").title()) == []


def test_no_summary_is_a_single_word_and_each_is_english() -> None:
    assert those(lambda one: " " not in one["summary"]) == []
    assert those(lambda one: bool(re.search(r"\ba ([aeio]|hours)", one["summary"]))) == []


def test_whoever_opens_it_is_told_how_to_begin_and_what_each_part_is_for() -> None:
    tags = [tag["name"] for tag in DESCRIPTION["tags"]]

    assert "`router key new NAME --role admin`" in DESCRIPTION["info"]["description"]
    assert sorted(tags) == sorted({tag for one in OPERATIONS.values() for tag in one["tags"]})
    assert all(tag["description"] for tag in DESCRIPTION["tags"])


def test_every_operation_says_who_may_use_it() -> None:
    assert those(lambda one: one.get(DECLARED) not in {ANYONE, *Role}) == []
    assert those(lambda one: (one["security"] == []) != (one[DECLARED] == ANYONE)) == []


def test_every_operation_shows_an_example_of_what_is_sent_and_of_each_answer() -> None:
    def places(operation: dict[str, Any]) -> list[dict[str, Any]]:
        in_path = [one for one in operation.get("parameters", ()) if one["in"] == "path"]
        return [*in_path, *bodies(operation)]

    assert those(lambda one: not all(list(examples(place)) for place in places(one))) == []


def test_every_example_is_as_the_description_says() -> None:
    def fits(media: dict[str, Any]) -> bool:
        schema = media["schema"] | {"components": DESCRIPTION["components"]}
        return all(jsonschema_rs.is_valid(schema, example) for example in examples(media))

    assert those(lambda one: not all(map(fits, bodies(one)))) == []


def test_every_refusal_is_a_problem_and_each_status_is_named_by_itself() -> None:
    def otherwise(operation: dict[str, Any]) -> bool:
        answers = operation["responses"]
        kinds = {kind for code, answer in answers.items() if code >= "4" for kind in answer["content"]}
        return not all(code.isdigit() for code in answers) or bool(kinds - {"application/problem+json"})

    assert those(otherwise) == []


def test_what_has_to_be_sent_is_filled_in_and_no_filter_is() -> None:
    def filled(operation: dict[str, Any]) -> set[str]:
        return {one["name"] for one in operation.get("parameters", ()) if "example" in one}

    needed = {"id", "ref", "call_id", "prefix", "noun", "asset", "version"}
    assert filled(OPERATIONS["PATCH /api/v1/rules/{id}"]) == {"id", "if-match"}
    assert filled(OPERATIONS["PUT /api/v1/rules/by-ref/{ref}"]) == {"ref"}
    assert filled(OPERATIONS["GET /api/v1/rules"]) == set()
    assert those(lambda one: bool(filled(one) - needed - {"if-match"})) == []
    assert those(lambda one: any(p["in"] == "path" and p["name"] not in filled(one) for p in places_of(one))) == []


def test_no_two_operations_have_the_same_name() -> None:
    names = [operation["operationId"] for operation in OPERATIONS.values()]

    assert len(set(names)) == len(names)


def test_whoever_has_made_something_is_told_how_to_go_on_with_it() -> None:
    links = OPERATIONS["POST /api/v1/lines"]["responses"]["201"]["links"]

    assert set(links) == {"read_line", "amend_line", "remove_line"}
    assert links["amend_line"]["parameters"] == {
        "path.id": "$response.body#/id",
        "header.If-Match": "$response.header.ETag",
    }


def places_of(operation: dict[str, Any]) -> list[dict[str, Any]]:
    return list(operation.get("parameters", ()))


def those(which: Callable[[dict[str, Any]], bool]) -> list[str]:
    """The operations of which this is so, by their paths."""
    return [name for name, operation in OPERATIONS.items() if which(operation)]


def bodies(operation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Everything that is sent or answered, with its example and schema."""
    for body in (operation.get("requestBody", {}), *operation["responses"].values()):
        yield from body.get("content", {}).values()


def examples(media: dict[str, Any]) -> Iterator[Any]:
    """Those that stand there, else those of what it refers to."""
    named = media["schema"].get("$ref", "").rpartition("/")[2]
    for place in (media, media["schema"], DESCRIPTION["components"]["schemas"].get(named, {})):
        if "example" in place:
            yield place["example"]
        found = place.get("examples", [])
        yield from (one["value"] for one in found.values()) if isinstance(found, dict) else found
