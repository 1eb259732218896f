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

"""What the API refused, in its own words.

openstacksdk reads no ``errors[]`` (the API-SIG shape), so that people would
see "Conflict" where the service wrote a sentence. The classes here are the
SDK's own with that sentence as their text::

    openstack.exceptions.HttpException
    +-- ServiceError             any refusal of the gpu-broker service
        +-- BadRequest     400   also a BadRequestException
        +-- Forbidden      403   also a ForbiddenException
        +-- NotFound       404   also a NotFoundException
        +-- Conflict       409   also a ConflictException
        +-- Precondition   412   also a PreconditionFailedException
    openstack.exceptions.ResourceFailure
    +-- LeaseFailed              a lease came to an end that was not awaited
    openstack.exceptions.ResourceTimeout
    +-- WaitTimeout              the time given for a wait is up
"""

from __future__ import annotations

from typing import Any

import requests
from openstack import exceptions

__all__ = [
    "BadRequest",
    "Conflict",
    "Forbidden",
    "LeaseFailed",
    "NotFound",
    "Precondition",
    "ServiceError",
    "WaitTimeout",
    "raise_for",
]

#: Of a page that is no error document, so much is shown.
_EXCERPT = 200


class ServiceError(exceptions.HttpException):
    """The service refused; the text of the exception is its own sentence.

    :ivar errors: the entries of the body's ``errors``, as they came.
    :ivar code: the first entry's code, such as ``gpubroker.in_use``.
    :ivar field: the first entry's field at fault, such as ``gpus``.
    :ivar request_id: what to give to the operator, or ``None``.
    """

    def __init__(
        self,
        message: str,
        response: requests.Response,
        problems: list[dict[str, Any]],
    ) -> None:
        super().__init__(message=message, response=response, details=message)
        self.errors = problems
        first = problems[0] if problems else {}
        self.code: str | None = first.get("code")
        self.field: str | None = first.get("field")
        self.request_id = self.request_id or first.get("request_id")

    def __str__(self) -> str:
        return str(self.message)


class BadRequest(ServiceError, exceptions.BadRequestException):
    pass


class Forbidden(ServiceError, exceptions.ForbiddenException):
    pass


class NotFound(ServiceError, exceptions.NotFoundException):
    pass


class Conflict(ServiceError, exceptions.ConflictException):
    pass


class Precondition(ServiceError, exceptions.PreconditionFailedException):
    pass


class LeaseFailed(exceptions.ResourceFailure):
    """:ivar lease: the lease as it was when the wait gave up."""

    def __init__(self, message: str, lease: Any) -> None:
        super().__init__(message)
        self.lease = lease


class WaitTimeout(exceptions.ResourceTimeout):
    """:ivar lease: the lease as it was when the wait gave up."""

    def __init__(self, message: str, lease: Any) -> None:
        super().__init__(message)
        self.lease = lease


_BY_STATUS: dict[int, type[ServiceError]] = {
    400: BadRequest,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    412: Precondition,
}


def raise_for(response: requests.Response) -> None:
    """Raise what an answer of 400 and above means; else do nothing.

    :raises ServiceError: the subclass for the answer's status.
    """
    if response.status_code < 400:
        return
    problems = _problems(response)
    sentence = "\n".join(filter(None, map(_sentence, problems)))
    if not sentence:
        sentence = _without_errors(response)
    request_id = response.headers.get("x-openstack-request-id")
    if response.status_code >= 500 and request_id:
        # Only the operator can find out more, by this id.
        sentence = f"{sentence} ({request_id})"
    kind = _BY_STATUS.get(response.status_code, ServiceError)
    raise kind(sentence, response, problems)


def _problems(response: requests.Response) -> list[dict[str, Any]]:
    try:
        body = response.json()
    except ValueError:
        return []
    if not isinstance(body, dict):
        return []
    found = body.get("errors")
    if isinstance(found, list):
        return [entry for entry in found if isinstance(entry, dict)]
    if isinstance(body.get("error"), dict):
        # The shape of keystonemiddleware, which answers before the API.
        return [{"detail": body["error"].get("message")}]
    return []


def _sentence(problem: dict[str, Any]) -> str:
    return str(problem.get("detail") or problem.get("title") or "")


def _without_errors(response: requests.Response) -> str:
    """A proxy or a server in front answered, not the API."""
    words = f"{response.status_code} {response.reason or ''}".strip()
    text = response.text.strip()
    if text and "html" not in response.headers.get("content-type", ""):
        words = f"{words}: {text[:_EXCERPT]}"
    return f"The gpu-broker service answered {words}"
