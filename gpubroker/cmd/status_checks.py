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

"""The rows of gpubroker-status, and what each is asked of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata

from gpubroker import policies
from gpubroker.clouds import placement as api
from gpubroker.clouds import token_checks
from gpubroker.cmd import status_facts
from gpubroker.cmd import status_files
from gpubroker.cmd.status_facts import Facts
from gpubroker.cmd.status_facts import Need
from gpubroker.conf import service_user
from gpubroker.db import user_data
from gpubroker.domain import models
from gpubroker.services import memory
from gpubroker.services import paging
from gpubroker.services.checks import around
from gpubroker.services.checks import cards
from gpubroker.services.checks import catalogue
from gpubroker.services.checks import clocks
from gpubroker.services.checks import finding as f
from gpubroker.services.checks import fleet
from gpubroker.services.checks import identity
from gpubroker.services.checks import nova
from gpubroker.services.checks import offered
from gpubroker.services.checks import own
from gpubroker.services.checks import placement
from gpubroker.services.checks import policy
from gpubroker.services.checks import slots
from gpubroker.services.checks.mistakes import Mistake

_DB, _KS = Need.DATABASE, Need.KEYSTONE
_TABLES = (_DB, Need.TABLES)
_PL, _NV = Need.PLACEMENT, Need.NOVA


@dataclass(frozen=True, slots=True)
class Check:
    """:param needs: without these it is not made, and says so.
    :param owns: what it is the one to say of that it is away.
    """

    look: Callable[[Facts], f.Findings]
    needs: tuple[Need, ...] = ()
    owns: Need | None = None


def _keys(facts: Facts) -> f.Findings:
    why = status_facts.why_not(facts.store.keys.read)
    if why:
        yield f.failure(Mistake.KEYS_UNUSABLE, f"{why}.")
        return
    count = len(facts.store.keys.read())
    if facts.away(Need.TABLES):
        yield f.unseen(
            f"{Need.TABLES}, so that nothing tells what the keys have to open."
        )
        return
    yield from own.keys(count, len(user_data.unreadable(facts.store)))


def _bus(facts: Facts) -> f.Findings:
    why = facts.bus_is_none()
    if why:
        yield f.failure(
            Mistake.BUS_UNSET,
            "[DEFAULT] transport_url names no bus that oslo.messaging can "
            f"use ({why}). Set it to the message bus, such as "
            "rabbit://gpubroker:PASSWORD@HOST:5672/.",
        )
        return
    found = list(own.transport(facts.conf.transport_url))
    yield from found
    where = None if found else facts.bus_away()
    if where:
        yield f.failure(
            Mistake.BUS_AWAY,
            f"The message bus at {where} takes no message: leases start and "
            "end only when their turn in the loop comes. Start it, or look "
            "at user, password and host in [DEFAULT] transport_url.",
        )


def _token_checks(facts: Facts) -> f.Findings:
    why = status_facts.why_not(
        lambda: token_checks.sign_in(facts.conf, status_facts.PATIENCE)
    )
    if why:
        yield f.failure(
            Mistake.API_IDENTITY_REFUSED,
            f"The API can not check the tokens of its callers: {why}. Look "
            "at auth_url, username and password of [keystone_authtoken].",
        )


#: Whose clock can be read from their answers.
_DATED = (
    (_KS, "Keystone", "identity"),
    (_PL, "Placement", "placement"),
    (_NV, "Nova", "compute"),
)


def _clocks(facts: Facts) -> f.Findings:
    ahead = {
        name: facts.standing.offset(kind)
        for need, name, kind in _DATED
        if not facts.away(need)
    }
    if not facts.away(_DB) and facts.dialect() != "sqlite":
        before = facts.clock.now()
        there, after = facts.store.now(), facts.clock.now()
        ahead["the database"] = there - min(max(there, before), after)
    for need in (*(need for need, _name, _kind in _DATED), _DB):
        if facts.away(need):
            yield f.unseen(f"{need}.")
    yield from clocks.clocks(ahead)


def _claims(facts: Facts) -> f.Findings:
    if facts.conf.read_only:
        yield f.unseen(
            "it takes some claims in Placement, and --read-only forbids "
            f"them. {placement.MEND_RETRIES}"
        )
        return
    yield from placement.claims(facts.probe.race)


def _aliases(facts: Facts) -> f.Findings:
    if facts.conf.read_only:
        yield f.unseen(
            "it takes a private flavor in Nova for a moment, and --read-only "
            "forbids it. A missing alias shows at the first lease."
        )
        return
    alias = {model.name: model.alias for model in _known(facts)}
    wanted: dict[str, set[str]] = {host.name: set() for host in facts.managed}
    for card in facts.cards:
        if card.model and card.slot is not None:
            wanted[card.host].add(f"{alias[card.model]}-s{card.slot}")
    yield from nova.aliases(facts.probe, wanted)


def _starts(facts: Facts) -> f.Findings:
    newest = paging.Page(sort_key="started_at", sort_dir="desc")
    with facts.store.read() as tx:
        found = tx.failures.of_hosts([host.name for host in facts.managed])
        times = [
            lease.started_at
            for lease in tx.leases.page(newest).items
            if lease.started_at and not lease.adopted
        ]
    failed = [one for some in found.values() for one in some if one.counts]
    yield from nova.starts(max(times, default=None), failed)


def _slots(facts: Facts) -> f.Findings:
    managed = facts.managed
    found = slots.cards(
        managed,
        facts.clouds.ledger.gpu_providers(),
        facts.standing.slot_holders(),
        facts.slots(),
    )
    yield from slots.slots(managed, found)


def _agents(facts: Facts) -> f.Findings:
    yield from fleet.agents(
        facts.managed,
        facts.store.now(),
        facts.conf.worker.heartbeat_timeout,
        metadata.version("gpubroker"),
    )


def _known(facts: Facts) -> list[models.Model]:
    with facts.store.read() as tx:
        return tx.models.all()


def _models(facts: Facts) -> f.Findings:
    yield from offered.models(_known(facts))


def _flavors(facts: Facts) -> f.Findings:
    with facts.store.read() as tx:
        every = tx.flavors.all()
    yield from offered.flavors(every, facts.cards)


def _pools(facts: Facts) -> f.Findings:
    with facts.store.read() as tx:
        names = tx.pools.owners(facts.clock.now())
    yield from offered.pools(names, facts.managed)


def _around(facts: Facts) -> f.Findings:
    yield from around.flavors(
        facts.standing.flavors(),
        _known(facts),
        status_facts.named(facts.cards),
    )


def _policy(facts: Facts) -> f.Findings:
    try:
        written = facts.policy_rules()
    except (OSError, ValueError, AttributeError) as error:
        yield f.failure(
            Mistake.POLICY_UNREADABLE,
            f"The policy file can not be read: {error}. It is a YAML file "
            'of lines "rule": "check".',
        )
        return
    yield from policy.policy(
        written, {rule.name: rule.check_str for rule in policies.list_rules()}
    )


def _workers(facts: Facts) -> f.Findings:
    with facts.store.read() as tx:
        yield from fleet.workers(tx.workers.running(facts.store.now()))


#: Title -> check, in the order in which an operator mends things.
CHECKS: Mapping[str, Check] = {
    "Database": Check(own.database, owns=_DB),
    "Keys for user data": Check(_keys),
    "Message bus": Check(_bus),
    "Settings": Check(
        lambda facts: own.settings(
            facts.conf.api.report_interval, facts.conf.worker.heartbeat_timeout
        )
    ),
    "Roles of the broker's user": Check(
        lambda facts: identity.roles(facts.standing), owns=_KS
    ),
    "Identity of the API": Check(_token_checks),
    "Service catalogue": Check(
        lambda facts: catalogue.catalogue(facts.standing), (_KS,)
    ),
    "Trusts": Check(
        lambda facts: identity.trusts(
            facts.standing, facts.conf[service_user.GROUP].trust_roles
        ),
        (_KS,),
    ),
    "Role of the agents": Check(
        lambda facts: identity.agent_role(facts.standing, facts.every_host),
        (_KS, *_TABLES),
    ),
    "Clocks": Check(_clocks),
    "Placement": Check(
        lambda facts: placement.placement(facts.standing, api.MICROVERSION),
        (_KS,),
        owns=_PL,
    ),
    "Claims in Placement": Check(_claims, (_KS, _PL, *_TABLES)),
    "Installation": Check(
        lambda facts: placement.installation(
            facts.installation,
            facts.every_host,
            facts.clouds.ledger.ticket_providers(),
        ),
        (_KS, _PL, *_TABLES),
    ),
    "Memory": Check(
        lambda facts: placement.memory(
            memory.lost(facts.store, facts.clouds.ledger)
        ),
        (_KS, _PL, *_TABLES),
    ),
    "Nova": Check(lambda facts: nova.nova(facts.standing), (_KS,), owns=_NV),
    "Aliases in nova-api": Check(_aliases, (_KS, _NV, *_TABLES)),
    "Starts": Check(_starts, _TABLES),
    "GPUs in Placement": Check(
        lambda facts: cards.reported(
            () if facts.away(Need.TABLES) else facts.managed,
            facts.clouds.ledger.gpu_providers(),
        ),
        (_KS, _PL),
    ),
    "Cards": Check(
        lambda facts: cards.cards(facts.standing, facts.cards, _known(facts)),
        (_KS, _PL, *_TABLES),
    ),
    "Slots": Check(_slots, (_KS, _PL, *_TABLES)),
    "Computes": Check(
        lambda facts: nova.computes(facts.managed, facts.standing.computes()),
        (_KS, _NV, *_TABLES),
    ),
    "Workers": Check(_workers, _TABLES),
    "Agents": Check(_agents, _TABLES),
    "Models": Check(_models, _TABLES),
    "Flavors": Check(_flavors, _TABLES),
    "Pools": Check(_pools, _TABLES),
    "Flavors of Nova": Check(_around, (_KS, _NV, *_TABLES)),
    "Policy rules": Check(_policy),
}

#: Of files that are named on the command line.
FILES: Mapping[str, Check] = {
    "nova.conf": Check(status_files.nova, _TABLES),
    "placement.conf": Check(status_files.placement),
}
