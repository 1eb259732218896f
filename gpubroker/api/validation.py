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


"""JSON Schema, compiled once, with errors in words for people."""

from __future__ import annotations

import base64
import datetime
import functools
import ipaddress
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
from jsonschema import exceptions as schema_errors
from jsonschema import validators

from gpubroker import errors
from gpubroker.api.schemas import types
from gpubroker.services import names

#: A message longer than this repeats the caller's own megabyte.
_LONGEST = 300

_FORMATS = jsonschema.FormatChecker(())


@_FORMATS.checks(  # type: ignore[untyped-decorator]
    "date-time", raises=ValueError
)
def _is_time(value: object) -> bool:
    if isinstance(value, str):
        time(value)
    return True


@_FORMATS.checks(  # type: ignore[untyped-decorator]
    "ip", raises=ValueError
)
def _is_address(value: object) -> bool:
    if isinstance(value, str):
        ipaddress.ip_address(value)
    return True


@_FORMATS.checks(  # type: ignore[untyped-decorator]
    "byte", raises=ValueError
)
def _is_base64(value: object) -> bool:
    if isinstance(value, str):
        base64.b64decode(value, validate=True)
    return True


@_FORMATS.checks(  # type: ignore[untyped-decorator]
    "nova-name", raises=ValueError
)
def _is_nova_name(value: object) -> bool:
    if isinstance(value, str):
        names.check(value)
    return True


def time(value: str) -> datetime.datetime:
    """An ISO 8601 time with a zone as an aware time in UTC.

    :raises ValueError: when it is none, or has no zone.
    """
    parsed = datetime.datetime.fromisoformat(value)
    if parsed.tzinfo is None:
        raise ValueError("a time needs a zone, such as Z")
    try:
        return parsed.astimezone(datetime.UTC)
    except OverflowError:
        raise ValueError("a time is out of range") from None


@functools.cache
def _pattern(pattern: str) -> re.Pattern[str]:
    # Python's $ also matches before a last line feed; the $ of ECMA 262,
    # which JSON Schema means, does not.
    if pattern.endswith("$"):
        pattern = pattern[:-1] + r"\Z"
    return re.compile(pattern)


def _check_pattern(
    _validator: Any, pattern: str, instance: Any, _schema: Any
) -> Iterator[schema_errors.ValidationError]:
    if isinstance(instance, str) and not _pattern(pattern).search(instance):
        yield schema_errors.ValidationError(
            f"{instance!r} does not match {pattern!r}"
        )


_Draft = validators.extend(
    jsonschema.Draft202012Validator, {"pattern": _check_pattern}
)


class Validator:
    """One schema, ready to check values against."""

    def __init__(self, schema: types.Schema) -> None:
        self.schema = schema
        _Draft.check_schema(schema)
        self._draft = _Draft(schema, format_checker=_FORMATS)

    def check(self, value: Any) -> None:
        """:raises Invalid: naming the field that is most at fault."""
        error = schema_errors.best_match(self._draft.iter_errors(value))
        if error is None:
            return
        field, words = _describe(error)
        detail = f"{field}: {words}" if field else f"{words}"
        if field:
            raise errors.Invalid(detail, field=field)
        raise errors.Invalid(detail)

    def fault(self, value: Any) -> str | None:
        """What is wrong with ``value``, or nothing."""
        try:
            self.check(value)
        except errors.Invalid as error:
            return error.message
        return None


def _describe(error: schema_errors.ValidationError) -> tuple[str, str]:
    path = [str(part) for part in error.absolute_path]
    if error.validator == "additionalProperties" and isinstance(
        error.instance, dict
    ):
        known = error.schema.get("properties", {})
        extra = sorted(set(error.instance) - set(known))
        if extra and error.validator_value is False:
            return _short(".".join([*path, extra[0]])), "is not known here"
    if error.validator == "required":
        missing = [
            name
            for name in error.validator_value
            if name not in error.instance
        ]
        return ".".join([*path, missing[0]]), "is required"
    return _short(".".join(path)), _words(error)


def _words(error: schema_errors.ValidationError) -> str:
    words = str(error.message)
    if error.validator == "format" and error.cause:
        words = f"{error.instance!r}: {error.cause}"
    if len(words) <= _LONGEST:
        return words
    return (
        f"the value given does not meet {error.validator} "
        f"{_short(str(error.validator_value))}"
    )


def _short(words: str) -> str:
    return words if len(words) <= _LONGEST else f"{words[:_LONGEST]}..."
