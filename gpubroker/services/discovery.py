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


"""Which hosts there are, what Nova calls them and how their computes are.

Level-triggered, as all reconciling: each pass looks at what is.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterable, Mapping

from gpubroker import errors
from gpubroker.domain import hosts
from gpubroker.domain import pools
from gpubroker.services import broker
from gpubroker.services import enforce
from gpubroker.services import ports
from gpubroker.services import renaming

LOG = logging.getLogger(__name__)

_CELL_DOWN = "The cell of Nova that it is in is down."


def discover(core: broker.Broker, told: set[str] | None = None) -> list[str]:
    """Make the hosts that are missing, follow those that were renamed, and
    note how each compute is.

    A new host is in mode observe and in pool ``default``. What is on it is
    found by ``reconcile_host``. It has to wait until Nova tells the name of
    its compute service: while that is down or slow Nova may not, and a name
    that was guessed would stay.

    :param told: hypervisors that wait, as far as the log says so; the caller
        keeps it from pass to pass.
    :returns: the names of all hosts.
    :raises Unavailable: when Placement does not answer.
    """
    roots = {
        provider.root_id: provider.name.rpartition("_")[0]
        for provider in core.ledger.gpu_providers()
    }
    enforce.alarm(core)
    try:
        computes = {found.host: found for found in core.compute.services()}
        names = core.compute.hypervisors()
    except errors.OutsideError as failure:
        # Fences do not wait for Nova: the hosts that are known go on.
        LOG.warning("The computes are not known at present: %s", failure)
        return sorted(host.name for host in _known(core))
    taken = _follow(core, roots, names)
    found = _known(core)
    hypervisors = {host.hypervisor_hostname for host in found}
    waiting = set(roots.values()) - set(names) - hypervisors
    _tell(waiting, set() if told is None else told)
    for host in found:
        _compute(core, host, computes.get(host.name), taken.get(host.name))
    return sorted(host.name for host in found)


def _tell(waiting: set[str], told: set[str]) -> None:
    """Once of each, as long as it waits."""
    for hypervisor in sorted(waiting - told):
        LOG.warning(
            "Placement shows GPUs of %s; it is no host before Nova tells the "
            "name of its compute service",
            hypervisor,
        )
    told.clear()
    told.update(waiting)


def _known(core: broker.Broker) -> list[hosts.Host]:
    with core.store.read() as tx:
        return tx.hosts.all()


def _follow(
    core: broker.Broker, roots: Mapping[str, str], names: Mapping[str, str]
) -> dict[str, str]:
    """Have a host for each compute node that Nova names a service of.

    A root that Nova does not know is what is left of a compute node: it
    makes no host, and none goes back to it.

    :param roots: root provider -> hypervisor, of all that have cards.
    :param names: hypervisor -> service host.
    :returns: host -> the name that Nova has for it and another host has.
    """
    known = _Known(_known(core))
    taken = {}
    listed = {roots[r]: r for r in sorted(roots) if roots[r] in names}
    for hypervisor, root_id in sorted(listed.items()):
        service = names[hypervisor]
        host = known.of(root_id, hypervisor, service)
        if host is None:
            _add_host(core, service, hypervisor, root_id)
            continue
        if host.hypervisor_hostname != hypervisor:
            if host.hypervisor_hostname in listed:
                LOG.warning(
                    "Nova has two hypervisors of %s, %s and %s; the first "
                    "one counts until it is gone",
                    host.name,
                    host.hypervisor_hostname,
                    hypervisor,
                )
                continue
            # Made by hand with the short name, or renamed.
            _set(core, host.name, hypervisor_hostname=hypervisor)
        if host.name != service and not renaming.rename(core, host, service):
            taken[host.name] = service
    return taken


class _Known:
    """The hosts, to be found by what they are known by."""

    def __init__(self, found: Iterable[hosts.Host]) -> None:
        found = list(found)
        self._by_root = {h.provider_id: h for h in found if h.provider_id}
        self._by_hypervisor = {h.hypervisor_hostname: h for h in found}
        self._by_name = {h.name: h for h in found}

    def of(
        self, root_id: str, hypervisor: str, service: str
    ) -> hosts.Host | None:
        """By its root, which outlives both of its names; else by the one of
        them that it kept."""
        return (
            self._by_root.get(root_id)
            or self._by_hypervisor.get(hypervisor)
            or self._by_name.get(service)
        )


def _add_host(
    core: broker.Broker, name: str, hypervisor: str, root_id: str
) -> None:
    host = hosts.Host(
        name=name,
        hypervisor_hostname=hypervisor,
        pool=pools.DEFAULT,
        provider_id=root_id,
    )
    try:
        with core.store.write() as tx:
            tx.hosts.add(host)
    except errors.Duplicate:
        LOG.info("Host %s was made meanwhile", name)
    else:
        LOG.info("Found host %s with GPUs", name)


def _set(core: broker.Broker, name: str, **fields: object) -> None:
    """Change a host; whoever was quicker is looked at in the next pass."""
    try:
        with core.store.write() as tx:
            host = tx.hosts.get(name)
            tx.hosts.update(dataclasses.replace(host, **fields))  # type: ignore[arg-type]
    except (errors.ConcurrentUpdate, errors.Duplicate, errors.NotFound):
        LOG.info("Host %s was changed meanwhile", name)


def _compute(
    core: broker.Broker,
    host: hosts.Host,
    found: ports.ComputeService | None,
    renamed: str | None,
) -> None:
    """:param renamed: what Nova calls it now, where it can not be so here."""
    state, reason = compute_state(found)
    if renamed is not None:
        state = hosts.ComputeState.UNKNOWN
        reason = (
            f"Nova calls this host {renamed} now. Delete the host of that "
            "name here, which has other cards, and it is renamed."
        )
    # A compute that Nova lost, or whose cell is down, has not moved to
    # another zone.
    zone = found.zone if found and found.zone else host.zone
    stands = (host.compute_state, host.compute_reason, host.zone)
    if (state, reason, zone) == stands:
        return
    _set(
        core,
        host.name,
        compute_state=state,
        compute_reason=reason,
        zone=zone,
    )
    LOG.info("nova-compute of %s, zone %s, is %s", host.name, zone, state)
    if state is hosts.ComputeState.UP:
        core.bell.pool(host.pool)


def compute_state(
    found: ports.ComputeService | None,
) -> tuple[hosts.ComputeState, str]:
    if found is None:
        return hosts.ComputeState.UNKNOWN, hosts.NO_SERVICE
    if found.hidden:
        return hosts.ComputeState.UNKNOWN, _CELL_DOWN
    if found.status != "enabled":
        return hosts.ComputeState.DISABLED, found.disabled_reason
    if found.state != "up":
        return hosts.ComputeState.DOWN, ""
    return hosts.ComputeState.UP, ""
