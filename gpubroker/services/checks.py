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


"""What must be true of a cloud before the broker can work there.

Each check is a function of the facts it needs and tells, where something is
wrong, how to mend it. Nothing here writes, and no check trusts another: a
cloud with five mistakes gets five findings in one run.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib import parse

from gpubroker import versions
from gpubroker.domain import hosts
from gpubroker.services import names
from gpubroker.services import ports


class Level(enum.IntEnum):
    """As oslo.upgradecheck and the exit status count."""

    OK = 0
    WARNING = 1
    FAILURE = 2


@dataclass(frozen=True, slots=True)
class Finding:
    """:param detail: what is wrong and how to mend it; may be a fact worth
    reading where nothing is wrong."""

    level: Level
    detail: str = ""


def ok(detail: str = "") -> Finding:
    return Finding(Level.OK, detail)


def warning(detail: str) -> Finding:
    return Finding(Level.WARNING, detail)


def failure(detail: str) -> Finding:
    return Finding(Level.FAILURE, detail)


class Schema(Protocol):
    """The tables as they are and as the code wants them."""

    def revision(self) -> str | None:
        """The revision of the database; ``None`` when it is empty.

        :raises Unavailable: when the database does not answer.
        """
        ...

    def head(self) -> str:
        """The newest revision that this code knows."""
        ...


class Standing(Protocol):
    """What the broker's own identity is and may do, found by reading.

    All: :raises Unavailable: no token, or a service that does not answer.
    """

    def roles(self) -> frozenset[str]:
        """Names of the roles in the token of [service_user]."""
        ...

    def endpoints(self, service_type: str) -> list[str]:
        """URLs in the catalogue, for the region and interfaces set."""
        ...

    def role_exists(self, name: str) -> bool | None:
        """``None`` when Keystone does not let the broker look."""
        ...

    def placement_versions(self) -> tuple[str, str]:
        """The least and the greatest microversion that Placement offers."""
        ...

    def placement_writable(self) -> bool: ...

    def nova_admin(self) -> bool:
        """Whether Nova's ``context_is_admin`` holds for the broker."""
        ...

    def slot_holders(self) -> Mapping[str, Collection[str]]:
        """Slot trait -> UUIDs of the PCI providers that carry it."""
        ...


# -- the broker's own parts --------------------------------------------------


def database(schema: Schema) -> Finding:
    found, head = schema.revision(), schema.head()
    if found == head:
        return ok(f"At revision {head}.")
    if found is None:
        return failure(
            "The database holds no tables of gpubroker. Run "
            '"gpubroker-manage db upgrade".'
        )
    return failure(
        f"The database is at revision {found}, the code needs {head}. Stop "
        'the workers, run "gpubroker-manage db upgrade", then start the new '
        "code. If this code is the older one, install the newer."
    )


def transport(url: str) -> Finding:
    """:param url: [DEFAULT] transport_url in full; never shown, for it has a
    password."""
    parts = parse.urlsplit(url)
    if parts.scheme in ("fake", "kombu+memory"):
        return warning(
            "[DEFAULT] transport_url names a bus inside one process: the API "
            "can not wake workers in other processes, so that leases start "
            "only when their turn in the loop comes."
        )
    if not parts.netloc:
        return failure(
            "[DEFAULT] transport_url is not set: the API can not wake the "
            "workers. Set it to the message bus, such as "
            "rabbit://gpubroker:PASSWORD@HOST:5672/."
        )
    return ok()


# -- Keystone ----------------------------------------------------------------

#: What the install guide gives the broker's user, and no more.
NEEDED_ROLES = frozenset({"service", "gpubroker"})


def roles(standing: Standing) -> Finding:
    found = standing.roles()
    if "admin" in found:
        return failure(
            "The user of [service_user] has the role admin. It needs none: "
            'take it away with "openstack role remove --user gpubroker '
            '--project service admin" and give it the roles '
            f"{_words(NEEDED_ROLES)} in that project."
        )
    missing = NEEDED_ROLES - found
    if missing:
        return failure(
            f"The user of [service_user] lacks {_words(missing)}. Run "
            '"openstack role add --user gpubroker --project service ROLE" '
            "for each; service opens Placement, gpubroker opens Nova through "
            "its policy file."
        )
    spare = found - NEEDED_ROLES
    if spare:
        return warning(
            f"The user of [service_user] also has {_words(spare)}, which "
            "the broker never uses. Remove what nothing else needs."
        )
    return ok()


def catalogue(standing: Standing) -> Finding:
    found = standing.endpoints(versions.SERVICE_TYPE)
    if not found:
        return failure(
            f"The catalogue has no endpoint of type {versions.SERVICE_TYPE} "
            "for the region and interfaces of [service_user]. Run "
            f'"openstack service create --name gpubroker '
            f'{versions.SERVICE_TYPE}" and "openstack endpoint create '
            f'{versions.SERVICE_TYPE} public URL".'
        )
    versioned = [url for url in found if _has_version(url)]
    if versioned:
        return warning(
            f"The endpoint {versioned[0]} ends in a version. Clients find "
            "the version themselves: register the URL without it."
        )
    return ok(", ".join(found))


AGENT_ROLE = "gpubroker_agent"


def agent_role(
    standing: Standing, every_host: Collection[hosts.Host]
) -> Finding:
    """An agent that reports proves the role, even where Keystone does not
    let the broker look."""
    exists = standing.role_exists(AGENT_ROLE)
    make = f'Run "openstack role create {AGENT_ROLE}".'
    if exists is False:
        return failure(
            f"The role {AGENT_ROLE} does not exist, so no agent can report. "
            + make
        )
    if exists is None and not any(host.heartbeat_at for host in every_host):
        return warning(
            f"Keystone does not let the broker look whether the role "
            f"{AGENT_ROLE} exists, and no agent has reported so far. Look "
            f'with "openstack role show {AGENT_ROLE}". If it is not there: '
            + make
        )
    return ok()


# -- Placement ---------------------------------------------------------------


def placement(standing: Standing, needed: str) -> Finding:
    least, greatest = standing.placement_versions()
    if not _number(least) <= _number(needed) <= _number(greatest):
        return failure(
            f"Placement offers {least} to {greatest}, the broker needs "
            f"{needed} (Yoga or newer). Upgrade Placement."
        )
    if not standing.placement_writable():
        return failure(
            "Placement does not let the broker write inventories. Give its "
            "user the role service, or open "
            "placement:resource_providers:inventories:update for it in "
            "Placement's policy.yaml."
        )
    return ok()


def gpus(ledger: ports.Ledger) -> Finding:
    found = ledger.gpu_providers()
    if not found:
        return failure(
            "No provider in Placement has the trait "
            "COMPUTE_MANAGED_PCI_DEVICE. Set [pci] report_in_placement = "
            "true and [pci] device_spec on the GPU hosts and restart their "
            "nova-compute."
        )
    trees = {provider.root_id for provider in found}
    return ok(f"{len(found)} PCI devices on {len(trees)} compute nodes.")


def installation(
    ours: str,
    every_host: Collection[hosts.Host],
    providers: Collection[ports.Provider],
) -> Finding:
    """Whether another installation uses hosts that this one manages.

    :param ours: the name of this one.
    :param providers: those of tickets, of all installations.
    """
    managed = {
        host.provider_id: host.name
        for host in every_host
        if host.mode is hosts.Mode.MANAGE
    }
    strange = {
        provider.name: managed[provider.root_id]
        for provider in providers
        if provider.root_id in managed
        and provider.name != names.provider(ours, managed[provider.root_id])
    }
    if strange:
        return warning(
            f"This is installation {ours}, and {_words(strange)} in "
            "Placement is another one's, on a host that this one manages. "
            "Set the host to observe in one of them: each takes the other's "
            "fences for a stranger's. If the other one is gone, or is this "
            'one before its database was made anew, see "Several '
            'installations" in the operator guide.'
        )
    return ok(f"This is installation {ours}.")


# -- Nova --------------------------------------------------------------------


def nova(standing: Standing) -> Finding:
    if not standing.nova_admin():
        return failure(
            "Nova does not take the broker's user for an admin, so that it "
            "sees no private flavor and no server of another project. Write "
            '"context_is_admin": "role:admin or role:gpubroker" into the '
            "policy.yaml of nova-api."
        )
    return ok()


# -- policy ------------------------------------------------------------------


def policy(written: Collection[str], known: Collection[str]) -> Finding:
    """Whether the operator's policy file says only what is ever asked.

    :param written: names of the rules in the file.
    :param known: names of the rules that gpubroker defines.
    """
    strange = sorted(
        name
        for name in set(written) - set(known)
        if name.startswith("gpubroker:")
    )
    if strange:
        return warning(
            f"The policy file names {_words(strange)}, which gpubroker does "
            "not know, so that nothing reads them. Compare with "
            '"oslopolicy-sample-generator --namespace gpubroker".'
        )
    return ok()


# -- ------------------------------------------------------------------------


def _words(names: Collection[str]) -> str:
    return ", ".join(sorted(names))


def _number(version: str) -> tuple[int, int]:
    major, _, minor = version.partition(".")
    return int(major), int(minor or 0)


def _has_version(url: str) -> bool:
    last = parse.urlsplit(url).path.rstrip("/").rpartition("/")[2]
    return last.startswith("v") and last[1:].replace(".", "").isdecimal()


def memory(lost: str | None) -> Finding:
    """:param lost: in words, what the database has forgotten."""
    return ok() if lost is None else failure(lost)
