"""The API's own description (OpenAPI) at /api/schema/."""

import json
from collections.abc import Iterator
from io import StringIO
from typing import Any

import jsonschema
import pytest
from django.core.management import call_command
from django.test import Client

OF_KEYS = [{"ingestKeyBearer": []}, {"ingestKey": []}, {"ingestKeyQuery": []}]
SUCCESSES = {"200", "201", "204"}
OF_PEOPLE = [{"apiToken": []}, {"session": []}]


@pytest.fixture(scope="module")
def described() -> Any:
    response: Any = Client().get("/api/schema/?format=json")
    return response.json()


def operations(described: Any) -> Iterator[tuple[str, str, Any]]:
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def test_it_is_valid_and_generated_without_a_warning() -> None:
    written = StringIO()

    # Raises when the description is not valid or anything in it had to be guessed.
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=written)

    assert written.getvalue().startswith("openapi: 3.")


def test_anybody_may_read_it_and_it_asks_no_database(described: Any) -> None:
    """Without a database mark, a query would fail."""
    assert described["info"]["title"] == "Liftmon API"
    assert described["openapi"].startswith("3.")


def test_each_operation_says_what_it_is_for_who_may_ask_and_how_it_refuses(described: Any) -> None:
    tags = {tag["name"] for tag in described["tags"]}
    for path, _, operation in operations(described):
        assert operation["summary"]
        assert operation["description"]
        assert set(operation["tags"]) <= tags
        assert operation["security"] == (OF_PEOPLE if path.startswith("/api/v1/") else OF_KEYS)
        assert {"401", "403", "503"} <= set(operation["responses"])
        assert len(SUCCESSES & set(operation["responses"])) == 1
        for code, response in operation["responses"].items():
            kind = {"application/json"} if code in ("200", "201") else {"application/problem+json"}
            assert set(response.get("content", {})) == (set() if code == "204" else kind)


def test_each_scheme_of_security_is_explained_where_it_is_named(described: Any) -> None:
    named = {name for _, _, operation in operations(described) for one in operation["security"] for name in one}

    assert named == set(described["components"]["securitySchemes"])


def test_each_filter_of_the_lists_is_described(described: Any) -> None:
    for path in ("/api/v1/events", "/api/v1/issues", "/api/v1/services"):
        parameters = {one["name"]: one for one in described["paths"][path]["get"]["parameters"]}
        assert {"limit", "cursor"} <= set(parameters)
        texts = [one["schema"] for one in parameters.values() if one["schema"] == {"type": "string"}]
        assert texts == []  # every text has a longest length, a pattern or a format


def test_each_answer_has_an_example_of_its_shape(described: Any) -> None:
    components = described["components"]
    for path, method, operation in operations(described):
        [success] = SUCCESSES & set(operation["responses"])
        content = operation["responses"][success].get("content", {}).get("application/json")
        bodies = operation.get("requestBody", {"content": {}})["content"].get("application/json")
        for one in (content, bodies):
            if one is None:
                continue
            assert one["examples"], (path, method)
            for example in one["examples"].values():
                schema = {"components": as_json_schema(components), **as_json_schema(one["schema"])}
                jsonschema.Draft202012Validator(schema).validate(example["value"])


def test_an_example_that_lacks_something_would_be_noticed(described: Any) -> None:
    page = described["paths"]["/api/v1/issues"]["get"]["responses"]["200"]["content"]["application/json"]
    example = json.loads(json.dumps(next(iter(page["examples"].values()))["value"]))
    del example["results"][0]["title"]
    schema = {"components": as_json_schema(described["components"]), **page["schema"]}

    with pytest.raises(jsonschema.ValidationError, match="title"):
        jsonschema.Draft202012Validator(schema).validate(example)


def as_json_schema(schema: Any) -> Any:
    """OpenAPI 3.0 says null in its own way."""
    if isinstance(schema, list):
        return [as_json_schema(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    changed = {name: as_json_schema(one) for name, one in schema.items() if name != "nullable"}
    return {"anyOf": [changed, {"type": "null"}]} if schema.get("nullable") is True else changed
