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

"""Nova: what its API lets the broker do and knows of the cards."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Mapping

from gpubroker.domain import failures
from gpubroker.domain import hosts
from gpubroker.services import ports
from gpubroker.services.checks import finding as f
from gpubroker.services.checks import outside
from gpubroker.services.checks.mistakes import Mistake
from gpubroker.services.checks.placement import number


def nova(standing: outside.Standing) -> f.Findings:
    newest, needed = standing.nova_versions()
    if number(newest) < number(needed):
        yield f.failure(
            Mistake.NOVA_OLD,
            f"The API of Nova ends at microversion {newest}, the broker "
            f"needs {needed} (2024.1 or newer). Upgrade Nova.",
        )
        return
    if not standing.nova_admin():
        yield f.failure(
            Mistake.NOVA_NO_ADMIN,
            "Nova does not take the broker's user for an admin, so that it "
            "sees no private flavor and no server of another project. Write "
            '"context_is_admin": "role:admin or role:gpubroker" into the '
            "policy.yaml of nova-api.",
        )


def aliases(
    probe: outside.Probe, wanted: Mapping[str, Collection[str]]
) -> f.Findings:
    """
    :param wanted: host -> aliases by which its cards are asked for.
    """
    if not any(wanted.values()):
        yield f.fact("No host is in mode manage yet.")
        return
    refused = probe.aliases({name for one in wanted.values() for name in one})
    missing = {name for name, told in refused.items() if "not defined" in told}
    if missing:
        where = [host for host, asked in wanted.items() if missing & {*asked}]
        yield f.failure(
            Mistake.ALIAS_MISSING,
            f"nova-api knows no PCI alias {f.words(missing)}, so that no "
            f"lease starts on {f.words(where)}. Write the lines alias = of "
            f'[pci] that "openstack gpu config render --host '
            f'{min(where)}" prints into the nova.conf of nova-api and of '
            "every nova-compute, the same on all, and restart them.",
        )
    if told := sorted({refused[name] for name in refused.keys() - missing}):
        yield f.failure(
            Mistake.ALIAS_REFUSED,
            f'nova-api refuses the aliases of the cards: "{told[0]}" Set '
            "[filter_scheduler] pci_in_placement = true in its nova.conf, "
            'compare [pci] alias with what "openstack gpu config render" '
            "prints, and restart it.",
        )
    if not refused:
        count = len({name for one in wanted.values() for name in one})
        yield f.fact(f"nova-api knows {count} aliases of cards.")


def starts(
    last: datetime.datetime | None, failed: Collection[failures.Failure]
) -> f.Findings:
    """Whether servers come to be on the cards that were planned: what tells
    of the configuration of scheduler, conductor and computes.

    One start that fails says little, since its image may be broken.

    :param last: when a lease last started.
    """
    since = [one for one in failed if last is None or one.at > last]
    if _several(since):
        newest = max(since, key=lambda one: one.at)
        where = f.words({one.host for one in since})
        yield f.warning(
            Mistake.STARTS_FAIL,
            f"Starts of {len({one.lease_id for one in since})} leases have "
            f"failed on {where} and none has succeeded since, the last at "
            f'{newest.at:%Y-%m-%d %H:%M}: "{newest.message}" If no lease '
            "starts at all: set "
            "[filter_scheduler] pci_in_placement = true in the nova.conf of "
            "nova-scheduler and nova-conductor, add PciPassthroughFilter to "
            "enabled_filters, and read the log of nova-scheduler.",
        )
    elif last is None:
        yield f.unseen(
            "no lease has started so far, and nothing else shows whether "
            "nova-scheduler, nova-conductor and the computes have "
            "pci_in_placement, PciPassthroughFilter and the aliases. Order "
            "one GPU to see; until then --nova-conf FILE checks what their "
            "files say."
        )
    else:
        yield f.fact(
            f"A lease started on the planned cards at {last:%Y-%m-%d %H:%M}."
        )


def _several(failed: Collection[failures.Failure]) -> bool:
    """Whether it can hardly be for what was ordered."""
    return (
        len({one.project_id for one in failed}) > 1
        or len({one.lease_id for one in failed}) > 2
    )


def computes(
    managed: Collection[hosts.Host], found: Collection[ports.ComputeService]
) -> f.Findings:
    """Whether the hosts can take servers now."""
    known = {service.host: service for service in found}
    gone = {host.name for host in managed if host.name not in known}
    here = [known[host.name] for host in managed if host.name in known]
    down = {service.host for service in here if service.state != "up"}
    disabled = {
        service.host for service in here if service.status != "enabled"
    } - down
    if gone:
        yield f.failure(
            Mistake.COMPUTE_GONE,
            f"Nova has no nova-compute on {f.words(gone)}. Compare with "
            '"openstack compute service list": a host that was renamed is '
            'told so by "openstack gpu host set --name", one that is gone is '
            'removed by "openstack gpu host delete".',
        )
    if down:
        yield f.warning(
            Mistake.COMPUTE_DOWN,
            f"nova-compute is down on {f.words(down)}: no card there is "
            "given out. Start it, and look whether it reaches the message "
            "bus.",
        )
    if disabled:
        yield f.warning(
            Mistake.COMPUTE_DISABLED,
            f"nova-compute is disabled on {f.words(disabled)}: no card "
            'there is given out. When the host is ready again: "openstack '
            'compute service set --enable HOST nova-compute".',
        )
    yield f.fact(f"{len(managed)} hosts are managed.")
