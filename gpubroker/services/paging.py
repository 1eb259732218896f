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

"""What every list call asks for, and what it gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a list, by keyset.

    :param filters: field -> value, or a tuple of values that are all right.
    :param marker: the key (``id`` or ``name``) of the last item seen.
    :param limit: items at most.
    """

    filters: Mapping[str, Any] = field(default_factory=dict)
    sort_key: str | None = None
    sort_dir: str = "asc"
    marker: str | None = None
    limit: int = 100


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """:param more: whether items follow the last one of ``items``."""

    items: list[T]
    more: bool
