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

"""What ``clouds`` has to offer of Nova and Keystone."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from gpubroker.domain import leases
from gpubroker.domain import trusts

#: What Nova says of anything in a cell that is down.
HIDDEN = "UNKNOWN"


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputeService:
    """A nova-compute service; ``state`` up/down, ``status`` enabled/...

    Both are unknown of a service whose cell is down.

    :param zone: availability zone; Nova names one for every compute.
    """

    host: str
    state: str
    status: str
    disabled_reason: str = ""
    zone: str = ""

    @property
    def hidden(self) -> bool:
        """Whether Nova can tell nothing of it, nor of its servers."""
        return self.status == HIDDEN


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Of the flavor that is embedded in a server."""

    vcpus: int = 0
    ram_mib: int = 0
    disk_gib: int = 0
    extra_specs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A Nova server as the broker sees it.

    :param flavor: name of the flavor embedded in it (``original_name``).
    :param size: what else Nova has embedded of it.
    :param launched_at: when it first ran, as Nova writes it; or empty.
    """

    id: str
    name: str
    status: str
    project_id: str
    user_id: str
    flavor: str = ""
    host: str | None = None
    hypervisor_hostname: str | None = None
    task_state: str | None = None
    fault: str = ""
    addresses: tuple[str, ...] = ()
    key_name: str | None = None
    tags: tuple[str, ...] = ()
    created_at: str = ""
    launched_at: str = ""
    image: str | None = None
    size: Size = field(default_factory=Size)

    @property
    def hidden(self) -> bool:
        """Whether its cell is down: it exists, and what else is told of it
        is next to nothing."""
        return self.status == HIDDEN


@dataclass(frozen=True, slots=True, kw_only=True)
class ShapeSpec:
    """The private flavor of one lease node (A 4)."""

    id: str
    name: str
    vcpus: int
    ram_mib: int
    disk_gib: int
    extra_specs: Mapping[str, str]
    project_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSpec:
    """What to boot; names follow Nova's API."""

    name: str
    shape_id: str
    tag: str
    image: str | None
    networks: str | Sequence[Mapping[str, str]] = "auto"
    key_name: str | None = None
    security_groups: Sequence[str] = ()
    availability_zone: str | None = None
    user_data: str | None = None
    boot_volume_gib: int | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


class Compute(Protocol):
    """Nova with the broker's own identity (``context_is_admin``)."""

    def services(self) -> list[ComputeService]: ...
    def hypervisors(self) -> dict[str, str]:
        """hypervisor_hostname -> service host; without those that Nova can
        not name at present, such as one whose compute is down."""
        ...

    def ensure_shape(self, spec: ShapeSpec) -> str:
        """The id of the private flavor, with specs and the project's
        access; found done = done."""
        ...

    def drop_shape(self, shape_id: str) -> None:
        """Gone = done."""
        ...

    def shapes(self) -> dict[str, str]:
        """id -> name of every private flavor that an installation of the
        broker made."""
        ...

    def ensure_key(self, name: str, key: leases.PublicKey) -> None:
        """A key pair of the broker's own user; found done = done."""
        ...

    def drop_key(self, name: str) -> None:
        """Gone = done."""
        ...

    def keys(self) -> list[str]:
        """Names of the key pairs of the broker's own user."""
        ...

    def server(self, server_id: str) -> Server | None:
        """What Nova shows; nothing is no proof that there is none, see
        ``listed``."""
        ...

    def listed(self, server_id: str) -> bool:
        """Whether a list of all projects' servers has it. Nova refuses the
        list to who may not see them, so that no answer to it is blind;
        servers of a cell that is down are not in it.

        :raises Misconfigured: the broker may not see other projects'.
        """
        ...

    def servers_tagged(self, tag: str) -> list[Server]:
        """Without those of a cell that is down."""
        ...

    def servers_shaped(self, prefix: str) -> list[Server]:
        """Every server, of any project, that was made from a flavor whose
        name begins so; reads all there are.

        :raises Unavailable: also when a cell is down.
        """
        ...

    def delete_server(self, server_id: str) -> None:
        """Gone = done; to be repeated until it is gone.

        A Nova that only hides a deleted server for a while is told to remove
        it by the second call.
        """
        ...

    def unshelve_asked(self, server_id: str) -> str | None:
        """The id of the last request to unshelve the server; ``None`` when
        it was shelved after that."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What was learnt by looking at what a workload names.

    :ivar login_user: whom the image lets log in, where it tells.
    """

    login_user: str | None = None


class UserCloud(Protocol):
    """The cloud under the identity of a lease's user.

    All: :raises RightsGone: Keystone gives no token, and may again some day;
    IdentityLost: it never will.
    """

    def ready(self) -> None:
        """Get the token that the first of the other calls would get."""
        ...

    def whose(self) -> tuple[str | None, str | None]:
        """Ids of the user and of the project that the token is for."""
        ...

    def check(
        self,
        workload: Mapping[str, Any],
        ram_mib: int | None = None,
        disk_gib: int | None = None,
    ) -> Checked:
        """Whether image, networks, key pair, security groups and zone of a
        server workload exist for the user, and the image fits.

        :param ram_mib, disk_gib: what the flavor has; none = not compared.
        :raises Invalid: naming the field, with the service's own words.
        """
        ...

    def create_server(self, spec: ServerSpec) -> str:
        """POST /servers; the new server's id.

        :raises Rejected: a 4xx, with Nova's own words; Unavailable: no
            answer, so that it may exist all the same.
        """
        ...

    def public_key(self, name: str) -> leases.PublicKey:
        """Of a key pair of the user's.

        :raises Invalid: there is none.
        """
        ...

    def console_url(self, server_id: str) -> str | None: ...


class Identity(Protocol):
    """Keystone: what the broker may do for a user later."""

    def can_delegate(self, token_info: Mapping[str, Any]) -> bool:
        """Whether Keystone lets such a token make a trust: none that was
        itself handed on, as with an application credential.

        :raises Forbidden: the token is good for no server at all.
        """
        ...

    def user_id(self) -> str:
        """The broker's own user."""
        ...

    def is_member(self, project_id: str) -> bool:
        """Whether an operator made the broker's own user a member of the
        project, so that it may make servers there in its own name."""
        ...

    def as_member(self, project_id: str) -> UserCloud:
        """The broker's own user in that project; asks for nothing yet."""
        ...

    def expiry(self) -> datetime.datetime:
        """When a new trust shall end, to the second; seldom the same twice,
        since one user has one trust that ends in a second (N 15.5)."""
        ...

    def delegate(
        self,
        token: str,
        token_info: Mapping[str, Any],
        lease_id: str,
        expires_at: datetime.datetime,
    ) -> leases.Delegation:
        """Make a trust with the caller's token (A 4, N 15.5).

        :raises CanNotDelegate: Keystone lets the user hand on no rights.
        :raises Forbidden: for a token that can not make one, with what to
            do instead.
        :raises Unauthenticated: it is no token any more.
        :raises Duplicate: when the user has one that ends then.
        :raises Unavailable: no answer; it may have been made all the same.
        """
        ...

    def trusts(self) -> dict[trusts.Key, str]:
        """The id of every trust for the broker that has an end, by what it
        is known by before it has an id."""
        ...

    def as_user(self, delegation: leases.Delegation) -> UserCloud:
        """Asks for nothing yet."""
        ...

    def with_token(
        self, token: str, token_info: Mapping[str, Any]
    ) -> UserCloud:
        """:param token_info: what Keystone said of the token when it was
        validated; it is asked again where that has no catalogue."""
        ...

    def revoke(self, delegation: leases.Delegation) -> bool:
        """Delete the trust with its own token; gone = done.

        :returns: whether it is gone. It may not be when its maker's rights
            are: they alone can delete it, now or before its end.
        """
        ...
