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

"""A history by pages, the newest first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from horizon import exceptions

SIZE = 20

#: How many, and the id of the event that they come before -> those, and
#: whether there are others before them.
Ask = Callable[[int, str | None], tuple[list[Any], bool]]


def page(
    request: Any, ask: Ask, unread: Any
) -> tuple[list[Any], dict[str, str]]:
    """The page that was asked for, and the ways to others; empty, with a
    message, where the service can not tell.

    :param unread: the message.
    """
    before = request.GET.get("before", "")
    try:
        found, more = ask(SIZE, before or None)
    except Exception:
        exceptions.handle(request, unread)
        found, more = [], False
    older = str(found[-1].id) if more else ""
    return found, {"older": older, "before": before}
