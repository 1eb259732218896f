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

"""What every resource of the gpu-broker API has in common."""

from __future__ import annotations

import urllib.parse
from collections.abc import Generator, Mapping
from typing import Any, Self, TypeVar

import requests
from keystoneauth1 import adapter
from openstack import exceptions
from openstack import proxy
from openstack import resource
from openstack import utils

from gpubroker.client import errors

#: The newest microversion that these classes know.
MAX_MICROVERSION = "1.0"

T = TypeVar("T", bound="Resource")


class Resource(resource.Resource):
    """One thing of the API.

    Bodies are bare objects; a change is a PATCH of what was changed. Times
    are strings in ISO 8601, UTC.
    """

    _max_microversion = MAX_MICROVERSION
    commit_method = "PATCH"

    links: list[dict[str, str]] = resource.Body("links", type=list)

    def _prepare_request(self, **options: Any) -> Any:
        """As the SDK does, but a name may hold any character."""
        request = super()._prepare_request(**options)
        required = options.get("requires_id")
        if self.requires_id if required is None else required:
            collection = (options.get("base_path") or self.base_path) % {
                "id": self.id,
                **self._uri.attributes,
            }
            request.url = path(collection, self.id)
            if options.get("params"):
                query = urllib.parse.urlencode(options["params"])
                request.url = f"{request.url}?{query}"
        return request

    @classmethod
    def list(
        cls,
        session: adapter.Adapter,
        paginated: bool = True,
        base_path: str | None = None,
        allow_unknown_params: bool = False,
        *,
        microversion: str | None = None,
        headers: dict[str, str] | None = None,
        max_items: int | None = None,
        **params: Any,
    ) -> Generator[Self, None, None]:
        """List; a filter that the API does not have is an error.

        The SDK would drop it and return everything.

        :param params: filters; a list or tuple means any of its values.
        :raises openstack.exceptions.InvalidResourceQuery: for an unknown one.
        """
        cls._query_mapping._validate(
            params, base_path=base_path or cls.base_path
        )
        given = {
            name: _query_text(value)
            for name, value in params.items()
            if value is not None
        }
        return super().list(
            session,
            paginated,
            base_path,
            microversion=microversion,
            headers=headers,
            max_items=max_items,
            **given,
        )

    @classmethod
    def _get_next_link(
        cls,
        uri: str,
        response: requests.Response,
        data: dict[str, Any],
        marker: str | None,
        limit: str | None,
        total_yielded: int,
    ) -> tuple[str | None, Mapping[str, Any]]:
        """The next page is where the body says, on the endpoint in use.

        Only the query of the link counts: its host is the server's idea of
        its own name, which a proxy or an endpoint override may not share.
        """
        for link in data.get("links") or ():
            if link.get("rel") == "next":
                query = urllib.parse.urlsplit(link["href"]).query
                return uri, urllib.parse.parse_qs(query)
        return None, {}


class Mutable(Resource):
    """A thing that changes and says when it did.

    A change carries the generation of the object that it was read from, so
    that two writers never overwrite each other unseen: the second gets a
    :class:`~gpubroker.client.errors.Conflict`. One that was addressed by
    its id alone carries none.

    :ivar generation: grows by one with every change.
    """

    generation: int | None = resource.Body("generation", type=int)
    created_at: str | None = resource.Body("created_at")
    updated_at: str | None = resource.Body("updated_at")

    def commit(
        self, session: adapter.Adapter, *args: Any, **options: Any
    ) -> Self:
        """Send what was changed, and the generation that it was read at."""
        if self.requires_commit and self.generation is not None:
            # Unchanged, so that the SDK would leave it out.
            self._body._dirty.add("generation")
        return super().commit(session, *args, **options)


class Proxy(proxy.Proxy):
    """Calls that raise the service's own words."""

    def request(
        self,
        url: str,
        method: str,
        error_message: str | None = None,
        raise_exc: bool = True,
        connect_retries: int | None = None,
        global_request_id: str | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> requests.Response:
        """Send one request.

        :param raise_exc: whether an answer of 400 and above raises; where
            not, the answer comes back as it is.
        :raises gpubroker.client.errors.ServiceError: where it does.
        """
        response = super().request(
            url,
            method,
            error_message,
            False,
            connect_retries,
            global_request_id,
            *args,
            **kwargs,
        )
        if raise_exc:
            errors.raise_for(response)
        return response

    def _lookup(
        self, kind: type[T], key: str, ignore_missing: bool
    ) -> T | None:
        """Find a thing by the key that its URL has.

        Unlike the SDK's ``find`` it lists nothing and hides no refusal.
        """
        if key in ("", ".", ".."):
            # These would address another URL than that of a thing.
            if ignore_missing:
                return None
            raise exceptions.NotFoundException(
                f"There is no {kind.__name__.lower()} {key!r}."
            )
        try:
            return self._get(kind, key)
        except exceptions.NotFoundException:
            if ignore_missing:
                return None
            raise


def microversion(session: adapter.Adapter) -> str | None:
    """The version that both sides know, or the one that was asked for."""
    asked: str | None = session.default_microversion
    return asked or utils.maximum_supported_microversion(
        session, MAX_MICROVERSION
    )


def path(*parts: str) -> str:
    """A path of which each part may hold any character.

    >>> path("/hosts", "gpu 1", "agent")
    '/hosts/gpu%201/agent'
    """
    first, *more = parts
    quoted = (urllib.parse.quote(str(part), safe="") for part in more)
    return "/".join((first, *quoted))


def _query_text(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple | set | frozenset):
        return ",".join(str(part) for part in value)
    return value
