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


"""One call of the API: all that a handler needs to answer it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent import futures
from dataclasses import dataclass, field
from typing import Any, TypeVar

from oslo_policy import policy

from gpubroker import context
from gpubroker import errors
from gpubroker.api import callers
from gpubroker.api import errors as api_errors
from gpubroker.api import pagination
from gpubroker.api import rates
from gpubroker.domain import events
from gpubroker.services import broker
from gpubroker.services import paging

T = TypeVar("T")

#: How often a change is tried again that met another.
_TRIES = 4

#: Threads of a process that ask others on the side; none until one does.
ASIDE = 8

#: The policy of what agents send.
REPORT = "host:report"

#: Which generation the caller has seen; see ``Call.seen``.
ANY = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What all calls of a process share.

    :param callers: makes servers with the tokens of their orders.
    :param response_validation: ``error``, ``warn`` or ``ignore``.
    :param requests: of a project; ``reports``: of a user who reports.
    :param aside: threads for what an answer does not wait long for; few, so
        that a service that hangs holds no more than these.
    """

    ports: broker.Broker
    enforcer: policy.Enforcer
    max_limit: int
    response_validation: str
    requests: rates.Rate
    reports: rates.Rate
    callers: callers.Callers
    aside: futures.Executor = field(
        default_factory=lambda: futures.ThreadPoolExecutor(ASIDE, "aside")
    )

    def allows(
        self,
        ctx: context.RequestContext,
        rule: str,
        target: Mapping[str, Any],
    ) -> bool:
        """Whether somebody may do this, by policy."""
        return bool(
            self.enforcer.authorize(f"gpubroker:{rule}", dict(target), ctx)
        )

    def count(self, ctx: context.RequestContext, rule: str | None) -> None:
        """Count a request, whatever becomes of it.

        :param rule: of the operation; none where there is nothing.
        :raises TooManyRequests: the caller asks too often.
        """
        if not ctx.token_info:
            # Nobody has looked at who it is, so the headers may lie.
            return
        project, user = ctx.project_id, ctx.user_id or ""
        # All agents may be of one project, and a busy host must not keep
        # the others from reporting. Who is no agent has no bucket more.
        if rule == REPORT and self.allows(ctx, rule, {}):
            seconds, words = self.reports.take(user), "You report"
        elif project:
            seconds = self.requests.take(f"project {project}")
            words = "Your project asks"
        else:
            seconds, words = self.requests.take(f"user {user}"), "You ask"
        if seconds:
            raise api_errors.TooManyRequests(
                f"{words} too often: ask again in {seconds} seconds.",
                seconds=seconds,
            )


@dataclass(slots=True, kw_only=True)
class Call:
    """:param url: this resource's own address, without the query.
    :param root: address of the API, without a slash at the end.
    :param args: path parameters.
    :param if_match: entity tags that If-Match names; empty = no condition.
    """

    site: Site
    ctx: context.RequestContext
    rule: str | None
    url: str
    root: str
    args: Mapping[str, str]
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    if_match: tuple[str, ...] = ()
    asked: bool = False

    @property
    def ports(self) -> broker.Broker:
        return self.site.ports

    def own(self) -> dict[str, Any]:
        """The target of a policy that concerns no row."""
        return {
            "project_id": self.ctx.project_id,
            "user_id": self.ctx.user_id,
        }

    def actor(self, project_id: str | None = None) -> events.Actor:
        """Who asks, for the history of a thing.

        :param project_id: whose it is; none = the operators'.
        """
        return events.Actor(
            user_id=self.ctx.user_id or "",
            request_id=self.ctx.request_id or "",
            operator=project_id != self.ctx.project_id,
        )

    def may(self, rule: str, target: Mapping[str, Any] | None = None) -> bool:
        """Whether the caller may do this, by policy."""
        wanted = dict(target) if target is not None else self.own()
        return self.site.allows(self.ctx, rule, wanted)

    def authorize(
        self, rule: str | None = None, target: Mapping[str, Any] | None = None
    ) -> None:
        """:raises Forbidden: naming the policy, so that it can be given."""
        self.asked = True
        rule = rule or self.rule
        if rule is None or self.may(rule, target):
            return
        raise errors.Forbidden(
            f"Policy gpubroker:{rule} does not allow this to you."
        )

    def authorize_row(
        self, target: Mapping[str, Any], show: str, missing: errors.NotFound
    ) -> None:
        """The same for a row that may be another project's.

        :param show: the policy of seeing the row at all.
        :param missing: raised when the caller may not; the same words as
            for a row that is not there, so that nobody learns that it is.
        """
        self.asked = True
        if self.rule is None or self.may(self.rule, target):
            return
        if not self.may(show, target):
            raise missing
        self.authorize(self.rule, target)

    def seen(self, current: int) -> None:
        """Check the generation that the caller has seen, if they said.

        :raises PreconditionFailed: If-Match names another one.
        :raises ConcurrentUpdate: the body's ``generation`` is another one.
        """
        if self.if_match and not {ANY, f'"{current}"'} & set(self.if_match):
            raise errors.PreconditionFailed(
                f'It has changed: its entity tag is "{current}" now.'
            )
        given = None
        if isinstance(self.body, dict):
            given = self.body.get("generation")
        if given is not None and given != current:
            raise errors.ConcurrentUpdate(
                f"It has changed: its generation is {current} now.",
                field="generation",
            )

    @property
    def conditional(self) -> bool:
        """Whether the caller asks for one certain generation."""
        given = isinstance(self.body, dict) and "generation" in self.body
        return given or bool(self.if_match)

    def again(self, change: Callable[[], T]) -> T:
        """Make a change once more when a worker wrote in between.

        The caller who names no generation does not mind which one it is.

        :raises ConcurrentUpdate: for one who does, or after some tries.
        """
        for _ in range(_TRIES):
            try:
                return change()
            except errors.ConcurrentUpdate:
                if self.conditional:
                    raise
        return change()

    def changes(self) -> dict[str, Any]:
        """The fields of the body, without the generation."""
        return {
            name: value
            for name, value in self.body.items()
            if name != "generation"
        }

    def page(self, **fixed: Any) -> paging.Page:
        """The page asked for; ``fixed`` filters come from the handler."""
        return pagination.page(self.query, self.site.max_limit, fixed)

    def listing(
        self,
        name: str,
        items: list[dict[str, Any]],
        found: paging.Listing[Any],
        key: str,
    ) -> dict[str, Any]:
        """A list's body, with the link to the next page.

        :param key: attribute of the things found that is their marker.
        """
        body: dict[str, Any] = {name: items}
        if found.more and items:
            marker = str(getattr(found.items[-1], key))
            body["links"] = [
                pagination.next_link(self.url, self.query, marker)
            ]
        return body

    def link(self, *parts: str) -> list[dict[str, str]]:
        """The ``links`` of a thing at this path below the API's root."""
        return [{"rel": "self", "href": "/".join((self.root, "v1", *parts))}]
