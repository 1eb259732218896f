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

"""Tell a running ``sandbox.faults`` what goes wrong."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import urllib.request
from collections.abc import Iterator
from typing import Any

from sandbox.faults import rules


class Faults:
    """:param url: of the control port."""

    def __init__(self, url: str) -> None:
        self._url = url

    def put(self, *wanted: rules.Rule) -> None:
        """These rules and no others, counted from now on."""
        self._send(
            "PUT", "/rules", [dataclasses.asdict(rule) for rule in wanted]
        )

    @contextlib.contextmanager
    def are(self, *wanted: rules.Rule) -> Iterator[None]:
        """For a while."""
        self.put(*wanted)
        try:
            yield
        finally:
            self.put()

    def forget(self) -> None:
        """Begin the journal anew."""
        self._send("PUT", "/journal", None)

    def journal(self) -> list[dict[str, Any]]:
        """``proxy.Entry`` of every request since then."""
        found: list[dict[str, Any]] = self._send("GET", "/journal", None)
        return found

    def _send(self, method: str, path: str, data: Any) -> Any:
        request = urllib.request.Request(
            self._url + path,
            method=method,
            data=None if data is None else json.dumps(data).encode(),
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)
