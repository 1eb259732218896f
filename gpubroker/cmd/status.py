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


"""gpubroker-status: whether this cloud is ready for the broker.

``gpubroker-status --config-file FILE upgrade check`` ends with 0 when all is
well, 1 with a warning, 2 with a failure, 255 when it could not even begin.
It only reads. Run it on the machine of a worker, with its configuration,
before the services are started with new code.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Collection

import yaml
from oslo_config import cfg
from oslo_db import exception as db_exc
from oslo_upgradecheck import common_checks
from oslo_upgradecheck import upgradecheck
from sqlalchemy import exc as sa_exc

from gpubroker import clock
from gpubroker import clouds
from gpubroker import conf as options
from gpubroker import errors
from gpubroker import policies
from gpubroker.clouds import placement
from gpubroker.clouds import session
from gpubroker.clouds import standing
from gpubroker.db import migration
from gpubroker.db import session as db_session
from gpubroker.db import store
from gpubroker.db import user_data
from gpubroker.domain import hosts
from gpubroker.rpc import broker as rpc
from gpubroker.services import checks
from gpubroker.services import flavor_check
from gpubroker.services import memory
from gpubroker.services import slot_check

Check = Callable[[], checks.Finding]


class Facts:
    """Where the checks look; each thing is made when it is first needed, so
    that one that is set wrong spoils only the checks that need it."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self.conf = conf

    @functools.cached_property
    def store(self) -> store.Store:
        return store.Store(self.conf, clock.SystemClock())

    @functools.cached_property
    def standing(self) -> standing.Standing:
        return standing.Standing(session.connect(self.conf))

    @functools.cached_property
    def clouds(self) -> clouds.Clouds:
        return clouds.build(self.conf)

    # -- the schema, for ``checks.database`` -----------------------------

    def revision(self) -> str | None:
        try:
            return migration.version(self.store.engine)
        except (sa_exc.SQLAlchemyError, db_exc.DBError) as error:
            raise errors.Unavailable(
                "The database does not answer; look at [database] "
                f"connection: {db_session.reason(error)}"
            ) from error

    def head(self) -> str:
        return migration.head()

    # -- ------------------------------------------------------------------

    def every_host(self) -> list[hosts.Host]:
        with self.store.read() as tx:
            return tx.hosts.all()

    def installation(self) -> str:
        with self.store.read() as tx:
            return tx.installation.name()

    def slots(
        self, managed: Collection[hosts.Host]
    ) -> dict[str, dict[str, int]]:
        with self.store.read() as tx:
            return {host.name: tx.hosts.slots(host.name) for host in managed}

    def policy_rules(self) -> Collection[str]:
        """Names of the rules in the operator's policy file."""
        policies.enforcer(self.conf)  # registers [oslo_policy]
        path = self.conf.find_file(self.conf.oslo_policy.policy_file)
        if path is None:
            return ()
        with open(path, encoding="utf-8") as text:
            return [str(name) for name in yaml.safe_load(text) or {}]


def checks_of(facts: Facts) -> dict[str, Check]:
    """Title -> check, in the order in which an operator mends things."""
    return {
        "Database": lambda: checks.database(facts),
        "Keys for user data": lambda: _keys(facts),
        "Message bus": lambda: _bus(facts.conf),
        "Roles of the broker's user": lambda: checks.roles(facts.standing),
        "Service catalogue": lambda: checks.catalogue(facts.standing),
        "Role of the agents": lambda: checks.agent_role(
            facts.standing, facts.every_host()
        ),
        "Placement": lambda: checks.placement(
            facts.standing, placement.MICROVERSION
        ),
        "Installation": lambda: checks.installation(
            facts.installation(),
            facts.every_host(),
            facts.clouds.ledger.ticket_providers(),
        ),
        "Memory": lambda: checks.memory(
            memory.lost(facts.store, facts.clouds.ledger)
        ),
        "Nova's policy": lambda: checks.nova(facts.standing),
        "GPUs in Placement": lambda: checks.gpus(facts.clouds.ledger),
        "Slots": lambda: _slots(facts),
        "Flavors": lambda: _flavors(facts),
        "Policy rules": lambda: checks.policy(
            facts.policy_rules(),
            [rule.name for rule in policies.list_rules()],
        ),
    }


def _bus(conf: cfg.ConfigOpts) -> checks.Finding:
    try:
        rpc.transport(conf).cleanup()
    except Exception as error:
        # Its words may hold the URL, and that a password.
        return checks.failure(
            "[DEFAULT] transport_url names no bus that oslo.messaging can "
            f"use ({type(error).__name__})."
        )
    return checks.transport(conf.transport_url)


def _keys(facts: Facts) -> checks.Finding:
    count = len(facts.store.keys.read())
    lost = user_data.unreadable(facts.store)
    if lost:
        return checks.failure(
            f"No key of this machine fits the user data of {len(lost)} "
            "leases, so that they can not start. Copy [encryption] "
            "key_repository from a machine of the API."
        )
    return checks.ok(f"{count} keys.")


def _slots(facts: Facts) -> checks.Finding:
    managed = [h for h in facts.every_host() if h.mode is hosts.Mode.MANAGE]
    if not managed:
        return slot_check.slots([], [])
    found = slot_check.cards(
        managed,
        facts.clouds.ledger.gpu_providers(),
        facts.standing.slot_holders(),
        facts.slots(managed),
    )
    return slot_check.slots(managed, found)


def _flavors(facts: Facts) -> checks.Finding:
    managed = {
        host.name
        for host in facts.every_host()
        if host.mode is hosts.Mode.MANAGE
    }
    if not managed:
        return checks.ok("No host is managed yet.")
    with facts.store.read() as tx:
        known = tx.models.all()
        cards = tx.devices.all()
    return flavor_check.flavors(
        facts.standing.flavors(),
        known,
        {c.resource_class or "" for c in cards if c.host in managed},
    )


class Checks(upgradecheck.UpgradeCommands):
    """The checks as oslo.upgradecheck runs and prints them."""

    display_title = "Is this cloud ready for gpubroker?"

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        super().__init__()
        self._upgrade_checks = (
            *(
                (title, functools.partial(_run, check))
                for title, check in checks_of(Facts(conf)).items()
            ),
            (
                "Format of the policy file",
                (common_checks.check_policy_json, {"conf": conf}),
            ),
        )


def _run(check: Check, _commands: Checks) -> upgradecheck.Result:
    """No check may keep the later ones from being run."""
    try:
        finding = check()
    except errors.GpubrokerError as error:
        # An operator reads this: the service's own words, where it has any.
        finding = checks.failure(error.fields.get("detail", error.message))
    except Exception as error:
        finding = checks.failure(f"{type(error).__name__}: {error}")
    return upgradecheck.Result(
        upgradecheck.Code(finding.level), finding.detail or None
    )


def main(argv: list[str] | None = None) -> int:
    conf = options.new()
    return int(
        upgradecheck.main(
            conf,
            project="gpubroker",
            upgrade_command=Checks(conf),
            argv=sys.argv[1:] if argv is None else argv,
        )
    )


if __name__ == "__main__":
    sys.exit(main())
