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

"""What a service of the cloud has answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """:param words: the service's own sentence, where it sent an error.
    :param code: the error code of services that follow the API-SIG.
    :param retry_after: the header, where it was sent.
    :param garbled: a success that is not what a service sends: a page of
        something on the way to it.
    """

    status: int
    body: Any
    words: str = ""
    code: str = ""
    retry_after: str = ""
    garbled: bool = False

    @property
    def seconds(self) -> float | None:
        """Of its Retry-After; that may be a date, which no OpenStack service
        sends and whose clock is not ours."""
        text = self.retry_after
        return float(text) if text.isascii() and text.isdigit() else None

    @property
    def found(self) -> bool:
        return self.status < 400


def read(method: str, response: Any) -> Answer:
    """:param response: of requests."""
    garbled = method == "GET" and not response.content
    try:
        body = response.json() if response.content else {}
    except ValueError:
        body, garbled = {}, True
    status = response.status_code
    if status < 400:
        return Answer(status, body, garbled=garbled)
    words, code = _words(body)
    wait = response.headers.get("Retry-After", "")
    return Answer(status, body, words or response.reason or "", code, wait)


def _words(body: Any) -> tuple[str, str]:
    """The sentence and the code of an error body.

    Placement: ``{"errors": [{"detail", "code"}]}``; Nova, Keystone and
    Neutron: one object under a name, with ``message``; Glance: ``message``.
    """
    if not isinstance(body, dict):
        return "", ""
    if body.get("errors"):
        first = body["errors"][0]
        return str(first.get("detail", "")).strip(), first.get("code", "")
    for value in (body, *body.values()):
        if isinstance(value, dict) and "message" in value:
            return str(value["message"]), ""
        if isinstance(value, str):
            return value, ""
    return "", ""
