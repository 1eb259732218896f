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


"""Reads bodies and query strings so strictly that nothing odd gets further.

What JSON and URLs allow and no room behind the API expects: other character
sets, NUL, halves of surrogate pairs, NaN, numbers of thousands of digits,
nesting thousands deep, a parameter given twice. All of them are the caller's
error, so all of them are ``errors.Invalid``.
"""

from __future__ import annotations

import json
import math
import re
import urllib.parse
from collections.abc import Iterator, Mapping
from typing import Any

from gpubroker import errors
from gpubroker.api import errors as api_errors

#: Deeper than any body of ours, far from the interpreter's own limit.
MAX_DEPTH = 16

_INTEGER = re.compile(r"-?[0-9]{1,18}")
_BOOLEANS = {"true": True, "false": False}


def body(raw: bytes, content_type: str) -> Any:
    """The JSON value of a request's body.

    Numbers such as ``1.0`` come out as integers: JSON Schema counts them as
    such, Python does not.

    :raises Invalid: when it is no JSON that we would accept.
    :raises UnsupportedMediaType: when it says it is something else.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in ("", "application/json"):
        raise api_errors.UnsupportedMediaType(
            f"The body is {kind}; it has to be application/json."
        )
    try:
        value = json.loads(raw.decode("utf-8"), parse_constant=_no_constant)
    except UnicodeDecodeError:
        raise errors.Invalid("The body is not valid UTF-8.") from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        raise errors.Invalid(f"The body is not valid JSON: {error}") from None
    return _clean(value, 0)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _too_deep() -> errors.Invalid:
    return errors.Invalid(
        f"The body is nested deeper than {MAX_DEPTH} levels."
    )


def _clean(value: Any, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise _too_deep()
    if isinstance(value, dict):
        return {
            text(key): _clean(item, depth + 1) for key, item in value.items()
        }
    if isinstance(value, list):
        return [_clean(item, depth + 1) for item in value]
    if isinstance(value, str):
        return text(value)
    if isinstance(value, float):
        return _number(value)
    return value


def _number(value: float) -> int | float:
    if not math.isfinite(value):
        raise errors.Invalid("A number of the body is out of range.")
    return int(value) if value.is_integer() else value


def text(value: str) -> str:
    """``value`` itself, when a database and a header could carry it.

    :raises Invalid: for a NUL character or half of a surrogate pair.
    """
    if "\x00" in value:
        raise errors.Invalid("A text has a NUL character.")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise errors.Invalid("A text is not valid Unicode.") from None
    return value


def query(raw: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a query string, as the types their schema names.

    A text that is not of the type stays a text: the schema refuses it with
    better words.

    :raises Invalid: for bytes that are not UTF-8 or a repeated parameter.
    """
    found: dict[str, Any] = {}
    for name, value in _pairs(raw):
        if name in found:
            raise errors.Invalid(
                f"{name} is given more than once; several values go in one, "
                "with commas.",
                field=name,
            )
        wanted = schema["properties"].get(name, {})
        found[name] = _typed(value, wanted)
    return found


def _pairs(raw: str) -> Iterator[tuple[str, str]]:
    try:
        pairs = urllib.parse.parse_qsl(
            raw,
            keep_blank_values=True,
            errors="strict",
            max_num_fields=64,
        )
    except UnicodeDecodeError:
        raise errors.Invalid("The query is not valid UTF-8.") from None
    except ValueError:
        raise errors.Invalid("The query has too many parameters.") from None
    for name, value in pairs:
        yield text(name), text(value)


def _typed(value: str, schema: Mapping[str, Any]) -> Any:
    kind = schema.get("type")
    if kind == "integer" and _INTEGER.fullmatch(value):
        return int(value)
    if kind == "boolean":
        return _BOOLEANS.get(value, value)
    if kind == "array":
        items = schema["items"]
        return [_typed(part, items) for part in value.split(",")]
    return value
