# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.


"""The small types that every schema is made of.

JSON Schema draft 2020-12, the dialect of OpenAPI 3.1, so that the same
dictionaries check requests and are published. Every text and list has an end
and every object is closed: what nobody wrote down is refused.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

#: Bound of everything that an answer lists; far above what one answer has.
MANY = 100_000

#: No number of ours is larger; fits a signed 32-bit column.
MAX_INT = 2**31 - 1

NAME: Schema = {
    "type": "string",
    "minLength": 1,
    "maxLength": 128,
    "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]*$",
}

HOST_NAME: Schema = {
    "type": "string",
    "minLength": 1,
    "maxLength": 255,
    "pattern": "^[A-Za-z0-9][A-Za-z0-9._:-]*$",
}

#: Words of people: any script, no control characters.
LABEL: Schema = {
    "type": "string",
    "minLength": 1,
    "maxLength": 255,
    "pattern": "^[^\\u0000-\\u001f\\u007f]+$",
}

#: What Nova takes as the name of a server, a key pair or a security group.
NOVA_NAME: Schema = {**LABEL, "format": "nova-name"}

UUID: Schema = {
    "type": "string",
    "minLength": 36,
    "maxLength": 36,
    "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
}

#: Keystone's ids are 32 hex digits by default, but not with every driver.
KEYSTONE_ID: Schema = {
    "type": "string",
    "minLength": 1,
    "maxLength": 64,
    "pattern": "^[A-Za-z0-9_-]+$",
}

PCI_ADDRESS: Schema = {
    "type": "string",
    "minLength": 12,
    "maxLength": 16,
    "pattern": "^[0-9a-fA-F]{4,8}:[0-9a-fA-F]{2}:[0-9a-fA-F]{2}\\.[0-7]$",
}

HEX4: Schema = {
    "type": "string",
    "minLength": 4,
    "maxLength": 4,
    "pattern": "^[0-9a-f]{4}$",
}

SUBSYSTEM: Schema = {
    "type": "string",
    "minLength": 9,
    "maxLength": 9,
    "pattern": "^[0-9a-f]{4}:[0-9a-f]{4}$",
}

#: Placement's own rule for names of custom classes and traits.
CUSTOM_NAME: Schema = {
    "type": "string",
    "minLength": 8,
    "maxLength": 255,
    "pattern": "^CUSTOM_[A-Z0-9_]+$",
}

TRAIT: Schema = {
    "type": "string",
    "minLength": 1,
    "maxLength": 255,
    "pattern": "^[A-Z0-9_]+$",
}

TIME: Schema = {
    "type": "string",
    "format": "date-time",
    "minLength": 10,
    "maxLength": 40,
}

GENERATION: Schema = {"type": "integer", "minimum": 0, "maximum": MAX_INT}

LINKS: Schema = {
    "type": "array",
    "maxItems": 4,
    "items": {
        "type": "object",
        "additionalProperties": False,
        "required": ["rel", "href"],
        "properties": {
            "rel": {"type": "string", "maxLength": 32},
            "href": {"type": "string", "maxLength": 8192},
        },
    },
}


def text(maximum: int, minimum: int = 0) -> Schema:
    """Any text of at most ``maximum`` characters."""
    return {"type": "string", "minLength": minimum, "maxLength": maximum}


def integer(minimum: int, maximum: int = MAX_INT) -> Schema:
    return {"type": "integer", "minimum": minimum, "maximum": maximum}


def one_of(*values: str) -> Schema:
    return {"type": "string", "enum": [str(value) for value in values]}


def many(item: Schema, maximum: int = MANY, minimum: int = 0) -> Schema:
    return {
        "type": "array",
        "items": item,
        "minItems": minimum,
        "maxItems": maximum,
    }


def distinct(item: Schema, maximum: int, minimum: int = 0) -> Schema:
    return {**many(item, maximum, minimum), "uniqueItems": True}


def nullable(schema: Schema) -> Schema:
    """The same or null."""
    if "type" in schema:
        made = {**schema, "type": [schema["type"], "null"]}
        if "enum" in schema:
            made["enum"] = [*schema["enum"], None]
        return made
    return {"anyOf": [schema, {"type": "null"}]}


def closed(
    properties: dict[str, Schema], required: tuple[str, ...] = ()
) -> Schema:
    """An object with these properties and no others."""
    made: Schema = {
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
    }
    if required:
        made["required"] = list(required)
    return made


def whole(properties: dict[str, Schema]) -> Schema:
    """A closed object that always has every property."""
    return closed(properties, tuple(properties))


def changed(properties: dict[str, Schema]) -> Schema:
    """A PATCH body: any of ``properties``, and the generation seen."""
    made = closed({**properties, "generation": GENERATION})
    made["minProperties"] = 1
    return made


def map_of(keys: Schema, values: Schema, maximum: int) -> Schema:
    """An object used as a dictionary."""
    return {
        "type": "object",
        "propertyNames": keys,
        "additionalProperties": values,
        "maxProperties": maximum,
    }


#: What every mutable thing carries.
STAMPS: dict[str, Schema] = {
    "generation": GENERATION,
    "created_at": nullable(TIME),
    "updated_at": nullable(TIME),
    "links": LINKS,
}

NO_QUERY: Schema = closed({})


def page_query(
    sort_keys: tuple[str, ...], filters: dict[str, Schema]
) -> Schema:
    """The query of a list: keyset paging, sorting and these filters."""
    return closed(
        {
            "limit": integer(1, 1_000_000),
            "marker": text(255, 1),
            "sort_key": one_of(*sort_keys),
            "sort_dir": one_of("asc", "desc"),
            **filters,
        }
    )


def any_of(item: Schema) -> Schema:
    """A filter: one value, or several with commas between them."""
    return many(item, 100, 1)


def listing(name: str, item: Schema) -> Schema:
    """A page of a list; ``links`` only when another page follows."""
    return closed({name: many(item), "links": LINKS}, (name,))
