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

"""Fields of forms that the service has as lists, and rules of single ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core import exceptions
from django.core import validators
from django.utils.translation import gettext_lazy as _
from horizon import forms

from gpubroker.dashboard.content.admin import texts

#: The service's rule for names of what operators keep.
is_name = validators.RegexValidator(
    r"^[A-Za-z0-9][A-Za-z0-9._-]*\Z",
    _(
        "A name has letters, digits, dots, hyphens and underscores, and "
        "begins with a letter or a digit."
    ),
)
is_hex4 = validators.RegexValidator(
    r"^[0-9a-f]{4}\Z",
    _("These are four hex digits in lower case, such as 10de."),
)
is_subsystem = validators.RegexValidator(
    r"^[0-9a-f]{4}:[0-9a-f]{4}\Z",
    _("This is written as two times four hex digits, such as 10de:1463."),
)
is_custom = validators.RegexValidator(
    r"^CUSTOM_[A-Z0-9_]+\Z",
    _("This is CUSTOM_ and then capitals, digits and underscores."),
)


class _Text(forms.CharField):
    """Several lines, each of them one thing."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("required", False)
        options.setdefault(
            "widget",
            forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        )
        super().__init__(**options)


class Lines(_Text):
    """:param each: what every line has to be."""

    def __init__(
        self, each: Callable[[str], None] | None = None, **options: Any
    ) -> None:
        super().__init__(**options)
        self.each = each

    def prepare_value(self, value: Any) -> Any:
        return (
            value if isinstance(value, str) else texts.from_lines(value or ())
        )

    def clean(self, value: Any) -> list[str]:
        found = texts.lines(super().clean(value))
        for line in found if self.each else ():
            try:
                self.each(line)  # type: ignore[misc]
            except exceptions.ValidationError as error:
                raise exceptions.ValidationError(
                    f"{line}: {error.messages[0]}"
                ) from None
        return found


class _Read(_Text):
    """:cvar wrong: said of a line that can not be read."""

    wrong: Any

    def read(self, text: str) -> Any:
        """:raises ValueError: with the line that can not be read."""
        raise NotImplementedError

    def write(self, value: Any) -> str:
        raise NotImplementedError

    def prepare_value(self, value: Any) -> Any:
        return value if isinstance(value, str) else self.write(value or ())

    def clean(self, value: Any) -> Any:
        try:
            return self.read(super().clean(value))
        except ValueError as error:
            raise exceptions.ValidationError(
                self.wrong % {"line": str(error)[:80]}
            ) from None


class Pairs(_Read):
    wrong = _("%(line)s is not KEY=VALUE, or its key is there twice.")

    def read(self, text: str) -> dict[str, str]:
        return texts.pairs(text)

    def write(self, value: Any) -> str:
        return texts.from_pairs(value or {})


class Blocks(_Read):
    wrong = _("%(line)s is no block; write slots with commas: 0,1,2,3.")

    def read(self, text: str) -> list[list[int]]:
        return texts.blocks(text)

    def write(self, value: Any) -> str:
        return texts.from_blocks(value)
