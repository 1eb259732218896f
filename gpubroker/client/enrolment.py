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

"""Enrolment: an identity of its own for the agent of one host.

A Keystone user per host, with one role in one project, and an application
credential of that user which only that role comes with. Only a user can make
application credentials for itself, so that the user gets a new random
password, is logged in with it once, and nobody ever knows it.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from keystoneauth1 import exceptions as ksa_exceptions
from keystoneauth1 import session as ksa_session
from keystoneauth1.identity import v3
from openstack import connection
from openstack import exceptions

if TYPE_CHECKING:
    from openstack.identity.v3 import _proxy as identity_v3

    from gpubroker.client import sdk

USER_PREFIX = "gpubroker-agent-"

#: Application credentials with this prefix are ours to replace.
CREDENTIAL_PREFIX = "gpubroker-agent-"

SERVICE_TYPE = "gpu-broker"

#: What some clouds ask of people's passwords must not lock an agent out.
_USER_OPTIONS = {
    "ignore_change_password_upon_first_use": True,
    "ignore_password_expiry": True,
    "ignore_user_inactivity": True,
}


class EnrolmentFailed(exceptions.SDKException):
    """A step failed; the text says which, and why."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the agents' users live, and how agents reach the cloud.

    :param auth_url: Keystone as the agent reaches it; ``None`` = as here.
    :param interface: the endpoints that the agent uses.
    """

    role: str = "gpubroker_agent"
    project: str = "service"
    domain: str = "default"
    auth_url: str | None = None
    interface: str = "internal"


@dataclass(frozen=True, kw_only=True)
class Credential:
    """What the agent of one host logs in with."""

    host: str
    user_id: str
    id: str
    secret: str
    auth_url: str
    interface: str
    region: str | None = None
    cafile: str | None = None
    insecure: bool = False


def enroll(
    conn: connection.Connection,
    broker: sdk.Proxy,
    host: str,
    place: Place,
    keep: Callable[[Credential], None],
    **attrs: Any,
) -> tuple[Credential, int]:
    """Make a host known, with a new credential for its agent.

    Again for the same host: the credential is replaced. The ones before are
    removed last, when the new one is known to work and has been kept, so
    that a failure on the way leaves the agent what it had.

    :param keep: stores the credential where the agent will find it.
    :param attrs: pool and mode of the host.
    :returns: the credential, and how many it replaced.
    :raises EnrolmentFailed: naming the step.
    """
    identity = cast("identity_v3.Proxy", conn.identity)
    with _step(f"Host {host} could not be made known"):
        known = broker.ensure_host(host, **attrs)
    password = f"{secrets.token_urlsafe(32)}-A1a"
    with _step(f"The user {USER_PREFIX}{host} could not be prepared"):
        project_id, role_id, domain_id = _references(identity, place)
        user_id = _user(identity, USER_PREFIX + host, domain_id, password)
        identity.assign_project_role_to_user(project_id, user_id, role_id)
    own = _as_user(conn, user_id, password, project_id)
    with _step("The application credential could not be made"):
        before = list(own.application_credentials(user_id))
        made = _application_credential(own, user_id, host, role_id)
    credential = _credential(conn, host, user_id, made, place)
    with _undo_on_error(own, user_id, made.id):
        with _step("The new application credential does not work"):
            _check(conn, credential)
        with _step(f"The user could not be bound to host {host}"):
            broker.bind_host_agent(known, user_id)
        keep(credential)
    return credential, _remove(own, user_id, before)


def _references(
    identity: identity_v3.Proxy, place: Place
) -> tuple[str, str, str]:
    domain_id = _found("domain", place.domain, identity.find_domain)
    project_id = _found(
        "project", place.project, identity.find_project, domain_id=domain_id
    )
    role_id = _found("role", place.role, identity.find_role)
    return project_id, role_id, domain_id


def _found(
    noun: str, name: str, find: Callable[..., Any], **query: Any
) -> str:
    try:
        return str(find(name, ignore_missing=False, **query).id)
    except exceptions.NotFoundException:
        raise EnrolmentFailed(
            f"there is no {noun} {name!r} in Keystone"
        ) from None


def _user(
    identity: identity_v3.Proxy, name: str, domain_id: str, password: str
) -> str:
    """The id of the user of that name, with this password from now on."""
    for user in identity.users(name=name, domain_id=domain_id):
        if not user.is_enabled:
            raise EnrolmentFailed(
                f"it is disabled; openstack user set --enable {user.id}"
            )
        identity.update_user(user.id, password=password, options=_USER_OPTIONS)
        return str(user.id)
    made = identity.create_user(
        name=name,
        domain_id=domain_id,
        password=password,
        description="Made by openstack gpu host enroll",
        options=_USER_OPTIONS,
    )
    return str(made.id)


def _as_user(
    conn: connection.Connection, user_id: str, password: str, project_id: str
) -> identity_v3.Proxy:
    """Keystone under the user's own identity."""
    auth = v3.Password(
        auth_url=auth_url(conn),
        user_id=user_id,
        password=password,
        project_id=project_id,
    )
    own = connection.Connection(
        session=_session(conn, auth),
        region_name=conn.config.get_region_name("identity"),
        identity_interface=conn.config.get_interface("identity"),
    )
    with _step("The user could not log in"):
        return cast("identity_v3.Proxy", own.identity)


def auth_url(conn: connection.Connection) -> str:
    """Where this connection logs in.

    :raises EnrolmentFailed: when it does not log in to a Keystone.
    """
    found = getattr(conn.session.auth, "auth_url", None)
    if not found:
        raise EnrolmentFailed(
            "The credentials in use have no auth_url; a host is enrolled "
            "under an identity of Keystone."
        )
    return str(found)


def _application_credential(
    own: identity_v3.Proxy, user_id: str, host: str, role_id: str
) -> Any:
    """A new one, which comes with this role alone."""
    return own.create_application_credential(
        user_id,
        f"{CREDENTIAL_PREFIX}{secrets.token_hex(4)}",
        description=f"gpubroker-agent on {host}",
        roles=[{"id": role_id}],
    )


def _session(conn: connection.Connection, auth: Any) -> ksa_session.Session:
    return ksa_session.Session(
        auth=auth, verify=conn.session.verify, cert=conn.session.cert
    )


def _credential(
    conn: connection.Connection,
    host: str,
    user_id: str,
    made: Any,
    place: Place,
) -> Credential:
    verify = conn.session.verify
    return Credential(
        host=host,
        user_id=user_id,
        id=made.id,
        secret=made.secret,
        auth_url=place.auth_url or auth_url(conn),
        interface=place.interface,
        region=conn.config.get_region_name(SERVICE_TYPE),
        cafile=verify if isinstance(verify, str) else None,
        insecure=verify is False,
    )


def _check(conn: connection.Connection, credential: Credential) -> None:
    """Log in as the agent will, and see that it will find the service."""
    auth = v3.ApplicationCredential(
        auth_url=auth_url(conn),
        application_credential_id=credential.id,
        application_credential_secret=credential.secret,
    )
    access = auth.get_access(_session(conn, auth))
    access.service_catalog.url_for(
        service_type=SERVICE_TYPE,
        interface=credential.interface,
        region_name=credential.region,
    )


def _remove(own: identity_v3.Proxy, user_id: str, before: list[Any]) -> int:
    ours = [old for old in before if old.name.startswith(CREDENTIAL_PREFIX)]
    with _step(
        "The new credential works, but an old one could not be removed"
    ):
        for old in ours:
            own.delete_application_credential(user_id, old.id)
    return len(ours)


@contextlib.contextmanager
def _undo_on_error(
    own: identity_v3.Proxy, user_id: str, credential_id: str
) -> Iterator[None]:
    """A credential that nobody keeps must not stay behind."""
    try:
        yield
    except BaseException:
        with contextlib.suppress(exceptions.SDKException):
            own.delete_application_credential(user_id, credential_id)
        raise


@contextlib.contextmanager
def _step(what: str) -> Iterator[None]:
    """:raises EnrolmentFailed: ``what``, and the reason."""
    try:
        yield
    except exceptions.HttpException as error:
        why = error.details or str(error)
        raise EnrolmentFailed(f"{what}: {why}") from error
    except (exceptions.SDKException, ksa_exceptions.ClientException) as error:
        raise EnrolmentFailed(f"{what}: {error}") from error
