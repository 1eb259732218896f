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

"""One service of the cloud, read only: there is no way to write here."""

from __future__ import annotations

import datetime
import email.utils
import urllib.parse
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from keystoneauth1 import adapter
from keystoneauth1 import exceptions

#: Seconds for one answer; a list of a large cloud takes its time.
TIMEOUT = 120.0

_REFUSALS = (401, 403)


class CannotLook(Exception):
    """:param service: which one would not or could not be read."""

    def __init__(self, service: str, words: str) -> None:
        super().__init__(f"{service}: {words}")
        self.service = service
        self.words = words


@dataclass(frozen=True, slots=True)
class Answer:
    body: Any
    headers: Mapping[str, str]

    @property
    def modified_at(self) -> datetime.datetime | None:
        """When the newest of what is in the answer was made or changed."""
        text = self.headers.get("Last-Modified")
        return email.utils.parsedate_to_datetime(text) if text else None


class Service:
    """:param name: for people, such as Placement."""

    def __init__(
        self, name: str, http: adapter.Adapter, microversion: str | None = None
    ) -> None:
        self.name = name
        self._http = http
        self._microversion = microversion

    def get(self, path: str, **params: Any) -> Answer:
        """:raises CannotLook: also when it is not there."""
        found = self.find(path, **params)
        if found is None:
            raise CannotLook(self.name, f"has no {path}")
        return found

    def find(self, path: str, **params: Any) -> Answer | None:
        """The answer, or ``None`` for a thing that is not there.

        :raises CannotLook: when it does not answer, or refuses.
        """
        url = path
        if params:
            url += f"?{urllib.parse.urlencode(params, doseq=True)}"
        try:
            response = self._http.get(
                url,
                microversion=self._microversion,
                headers={"Accept": "application/json"},
                raise_exc=False,
                connect_retries=1,
                timeout=TIMEOUT,
            )
        except exceptions.ClientException as error:
            raise CannotLook(self.name, reason(error)) from error
        status = response.status_code
        if status == 404:
            return None
        if status >= 400:
            raise CannotLook(self.name, _refusal(status, response.text))
        try:
            return Answer(response.json(), response.headers)
        except ValueError as error:
            raise CannotLook(self.name, "answers with no JSON") from error

    def pages(
        self,
        path: str,
        name: str,
        links: str,
        marker: Callable[[Sequence[dict[str, Any]]], str | None] | None = None,
        **params: Any,
    ) -> Iterator[dict[str, Any]]:
        """Every record of a list.

        :param links: the key of the body under which the next page is.
        :param marker: after which record of a page the next one begins,
            where the service's own idea of it is not to be trusted; ``None``
            ends the list.
        """
        while True:
            body = self.get(path, **params).body
            yield from body[name]
            query = _next(body.get(links) or ())
            if query is None or not body[name]:
                return
            # Only the query: the link's host is the server's own idea.
            params = query
            if marker is not None:
                params["marker"] = marker(body[name])
                if params["marker"] is None:
                    return


def _next(links: Any) -> dict[str, Any] | None:
    for link in links:
        if link.get("rel") == "next":
            query = urllib.parse.urlsplit(link["href"]).query
            return dict(urllib.parse.parse_qs(query))
    return None


def reason(error: exceptions.ClientException) -> str:
    """For people: why there is no answer."""
    if isinstance(error, exceptions.EndpointNotFound):
        return "is not in the catalogue of services"
    if isinstance(error, exceptions.HttpError):
        # Keystone's, when a token is asked for.
        return _refusal(error.http_status, str(error.message))
    return f"does not answer ({' '.join(str(error).split())})"


def _refusal(status: int, text: str) -> str:
    words = " ".join(text.split())[:300]
    if status in _REFUSALS:
        return (
            f"refuses ({status}); an administrator's credentials are needed: "
            f"{words}"
        )
    return f"answers with {status}: {words}"


def time(text: str | None) -> datetime.datetime | None:
    """ISO 8601, in UTC where it names no zone."""
    if not text:
        return None
    found = datetime.datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=datetime.UTC)
