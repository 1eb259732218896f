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

"""How the broker talks HTTP to OpenStack: sessions, waits and errors.

Every answer becomes an ``Answer`` or one of ``gpubroker.errors``; no
exception of keystoneauth leaves this room.
"""

from __future__ import annotations

import enum
import logging
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, TypeVar

from keystoneauth1 import adapter
from keystoneauth1 import exceptions
from keystoneauth1 import loading
from keystoneauth1 import plugin
from keystoneauth1 import session
from oslo_config import cfg

from gpubroker import errors
from gpubroker.clouds import answers
from gpubroker.conf import service_user
from gpubroker.services import jitter
from gpubroker.services import ports

LOG = logging.getLogger(__name__)

T = TypeVar("T")

#: Options of keystoneauth's plugins that say what a token is for.
_SCOPES = (
    "project_id",
    "project_name",
    "project_domain_id",
    "project_domain_name",
    "domain_id",
    "domain_name",
    "system_scope",
)

#: Seconds that one change is repeated while others change the same provider.
PATIENCE = 20.0


class Who(enum.Enum):
    """Whose identity a call is made with; tells what a refusal means."""

    BROKER = "the broker"
    USER = "the user"


def ask(name: str, who: Who, call: Callable[[], T]) -> T:
    """Call something of keystoneauth that may have to get a token first.

    :raises Unavailable, RightsGone, IdentityLost: see ``Service.call``.
    """
    try:
        return call()
    except (exceptions.Unauthorized, exceptions.Forbidden) as refusal:
        raise _refused(who, refusal) from None
    except exceptions.ClientException as failure:
        raise down(name, str(failure)) from failure


def down(
    name: str, words: str, seconds: float | None = None
) -> errors.Unavailable:
    """A service that gives no answer worth having.

    :param words: its own, or those of who called it. They may name inside
        addresses: the log and operators get them, a user does not.
    :param seconds: before which it wants no further request.
    """
    detail = f"{name}: {words}"
    LOG.warning("%s", detail)
    more = {} if seconds is None else {"seconds": seconds}
    return errors.Unavailable(
        f"{name} does not answer at present.", detail=detail, **more
    )


def _refused(who: Who, refusal: exceptions.HttpError) -> errors.OutsideError:
    if who is Who.BROKER:
        return _misconfigured("Keystone", str(refusal))
    if isinstance(refusal, exceptions.Forbidden):
        return errors.RightsGone(
            "Keystone lets the broker do nothing for the user at present: "
            "the user is disabled, or has lost a role in the project; "
            "somebody whose roles come with single sign-on may have to sign "
            "in again. The lease goes on by itself when that is mended."
        )
    return errors.IdentityLost(
        "Keystone no longer knows the user's token or trust."
    )


#: For the log; whoever reads the detail has just run it.
_WHAT_TO_DO = 'Run "gpubroker-status upgrade check", which says what it lacks.'


def _misconfigured(name: str, text: str) -> errors.OutsideError:
    detail = f"{name} refuses the broker's own identity: {text}"
    LOG.error("%s %s", detail, _WHAT_TO_DO)
    return errors.Misconfigured(
        f"{name} refuses what the broker itself needs; its operators have to "
        "mend that.",
        detail=detail,
    )


class Service:
    """One OpenStack service, called with one identity, JSON both ways."""

    def __init__(
        self,
        name: str,
        api: adapter.Adapter,
        who: Who = Who.BROKER,
        prove: Callable[[], None] = lambda: None,
        meter: ports.Meter | None = None,
    ) -> None:
        """:param prove: raises Unavailable when the broker's own password
        does not work."""
        self._meter = meter or ports.Uncounted()
        self.name = name
        self.api = api
        self._who = who
        self._prove = prove

    def call(
        self,
        method: str,
        path: str,
        *,
        accept: Collection[int] = (),
        **options: Any,
    ) -> answers.Answer:
        """Send a request.

        :param accept: error statuses that the caller deals with.
        :param options: ``json``, ``params``, ``headers``, ``microversion``
            and the like, as keystoneauth's adapter knows them.
        :raises Unavailable: no answer, none that can be read, 429, or a 5xx.
        :raises RightsGone, IdentityLost: Keystone gives the user no token.
        :raises NotFound, Conflict, ConcurrentUpdate: 404 and 409.
        :raises Rejected: every other 4xx not in ``accept``, of a user; of
            the broker it is Misconfigured, since no user can mend it.
        """
        try:
            response = self._sent(path, method, **options)
        except errors.IdentityLost:
            # A trust is used with the broker's password, which may be what
            # Keystone refuses.
            self._prove()
            raise
        answer = answers.read(method, response)
        if answer.garbled:
            raise down(self.name, f"status {answer.status} without JSON")
        if answer.status >= 400 and answer.status not in accept:
            raise self._error(answer)
        return answer

    def _sent(self, path: str, method: str, **options: Any) -> Any:
        """Count it, whatever comes of it; the time has that of a token which
        had to be got first."""
        began, status = time.monotonic(), None
        try:
            response = ask(
                self.name,
                self._who,
                lambda: self.api.request(
                    path, method, raise_exc=False, **options
                ),
            )
            status = response.status_code
        finally:
            took = time.monotonic() - began
            self._meter.called(self.name, method, status, took)
        return response

    def get(self, path: str, **options: Any) -> answers.Answer:
        # A keep-alive connection that the server closed meanwhile fails
        # without being anybody's fault; asking again is harmless for a GET.
        return self.call("GET", path, connect_retries=1, **options)

    def _error(self, answer: answers.Answer) -> errors.GpubrokerError:
        text = f"{self.name}: {answer.words or f'status {answer.status}'}"
        status = answer.status
        if status >= 500 or status in (401, 408, 413, 429):
            # 401 with a token that Keystone has just made: the service can
            # not validate it now.
            words = f"status {status} {answer.words}".rstrip()
            return down(self.name, words, answer.seconds)
        if status == 404:
            return errors.NotFound(text)
        if status == 409:
            if answer.code == "placement.concurrent_update":
                return errors.ConcurrentUpdate(text)
            return errors.Conflict(text)
        if self._who is Who.BROKER:
            return _misconfigured(self.name, text)
        return errors.Rejected(text, status=status)


@dataclass(frozen=True)
class Cloud:
    """The session that all share, and where its endpoints are looked up."""

    session: session.Session
    region_name: str | None
    interface: tuple[str, ...]
    meter: ports.Meter = field(default_factory=ports.Uncounted)

    def service(
        self,
        name: str,
        service_type: str,
        auth: plugin.BaseAuthPlugin | None = None,
        **options: Any,
    ) -> Service:
        """:param auth: another identity than the broker's own."""
        api = adapter.Adapter(
            session=self.session,
            service_type=service_type,
            region_name=self.region_name,
            interface=list(self.interface),
            auth=auth,
            **options,
        )
        if auth is None:
            return Service(name, api, meter=self.meter)
        return Service(name, api, Who.USER, self.prove, self.meter)

    def prove(self) -> None:
        """:raises Unavailable, Misconfigured: no fresh token for the
        broker."""
        self.session.invalidate()
        ask("Keystone", Who.BROKER, self.session.get_token)

    def user_id(self, auth: plugin.BaseAuthPlugin | None = None) -> str:
        """The broker's own user, or that of another identity; of a trust it
        is its maker."""
        who = Who.BROKER if auth is None else Who.USER
        found = ask("Keystone", who, lambda: self.session.get_user_id(auth))
        if found is None:
            raise errors.Unavailable("The broker's identity is not a user.")
        return found

    def token(self, auth: plugin.BaseAuthPlugin) -> str | None:
        return ask("Keystone", Who.USER, lambda: self.session.get_token(auth))

    def roles(self, auth: plugin.BaseAuthPlugin) -> list[str]:
        """Names of those that an identity's token has."""
        found = ask(
            "Keystone",
            Who.USER,
            lambda: getattr(auth, "get_access")(self.session).role_names,
        )
        return list(found)

    def project_id(self, auth: plugin.BaseAuthPlugin) -> str | None:
        """The project that an identity is scoped to."""
        return ask(
            "Keystone", Who.USER, lambda: self.session.get_project_id(auth)
        )


def connect(conf: cfg.ConfigOpts, meter: ports.Meter | None = None) -> Cloud:
    """The cloud as [service_user] describes it; asks for no token yet."""
    section = conf[service_user.GROUP]
    made = loading.load_session_from_conf_options(
        conf,
        service_user.GROUP,
        auth=loading.load_auth_from_conf_options(conf, service_user.GROUP),
    )
    # requests knows the pair (connect, read); keystoneauth hands it on but
    # its constructor only takes one number.
    setattr(made, "timeout", (section.connect_timeout, section.timeout))
    return Cloud(
        session=made,
        region_name=section.region_name,
        interface=tuple(section.interface),
        meter=meter or ports.Uncounted(),
    )


def trusted(conf: cfg.ConfigOpts, trust_id: str) -> plugin.BaseAuthPlugin:
    """The broker's user, acting for the maker of a trust.

    A trust is the scope; the project of [service_user] must not be sent
    along.
    """
    return _for(conf, "trust_id", trust_id)


def scoped(conf: cfg.ConfigOpts, project_id: str) -> plugin.BaseAuthPlugin:
    """The broker's user in another project than that of [service_user]."""
    return _for(conf, "project_id", project_id)


def _for(
    conf: cfg.ConfigOpts, scope: str, value: str
) -> plugin.BaseAuthPlugin:
    section = conf[service_user.GROUP].auth_section or service_user.GROUP
    name = conf[section].auth_type
    known = {
        option.dest
        for option in (
            loading.get_plugin_loader(name).get_options() if name else ()
        )
    }
    if "trust_id" not in known:
        raise errors.Unavailable(
            f"[{section}] auth_type {name} can not act for a user by a "
            "trust; use password."
        )
    others = {one: None for one in _SCOPES if one in known}
    found = loading.load_auth_from_conf_options(
        conf, service_user.GROUP, **{**others, scope: value}
    )
    if found is None:
        raise errors.Unavailable("[service_user] names no auth_type.")
    return found


def persist(clock: ports.Clock, change: Callable[[], T]) -> T:
    """Repeat a change until no one else's came between.

    With jitter, since those who met once would else meet again (N 2.3).

    :raises ConcurrentUpdate: when that took longer than ``PATIENCE``.
    """
    give_up = clock.monotonic() + PATIENCE
    pause = 0.02
    while True:
        try:
            return change()
        except errors.ConcurrentUpdate:
            if clock.monotonic() > give_up:
                raise
            clock.sleep(jitter.spread(pause))
            pause = min(pause * 2, 1.0)
