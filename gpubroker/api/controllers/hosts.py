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


"""``/v1/hosts``: the hypervisors that carry GPUs, and their agents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from gpubroker.api import routing
from gpubroker.api.call import Call
from gpubroker.api.operation import operation
from gpubroker.api.schemas import hosts as schemas
from gpubroker.api.schemas import reports
from gpubroker.api.views import hosts as view
from gpubroker.domain import devices
from gpubroker.domain import hosts
from gpubroker.services import config_render
from gpubroker.services import drain
from gpubroker.services import enrol
from gpubroker.services import paging
from gpubroker.services import ports
from gpubroker.services import report

#: More devices than a page of hosts has.
_ALL = 1_000_000


class Agent(routing.Node):
    @operation(
        "host:bind_agent",
        body=schemas.BIND,
        answer=schemas.HOST,
        statuses=(404, 409, 412),
    )
    def replace(self, call: Call) -> dict[str, Any]:
        """Say which Keystone user reports for a host."""
        bound = enrol.bind_agent(
            call.ports, call.args["name"], call.body["user_id"], call.seen
        )
        return _view(call, bound)

    @operation("host:bind_agent", status=204, statuses=(404, 409, 412))
    def delete(self, call: Call) -> None:
        """Let nobody report for a host."""
        enrol.unbind_agent(call.ports, call.args["name"], call.seen)


class Drain(routing.Node):
    @operation(
        "host:drain",
        body=schemas.DRAIN,
        answer=schemas.HOST,
        statuses=(404, 409, 412),
    )
    def replace(self, call: Call) -> dict[str, Any]:
        """Give out no card of a host again; leases run to their end."""
        drained = call.again(
            lambda: drain.drain(
                call.ports,
                call.args["name"],
                call.body.get("detail", ""),
                call.actor(),
                call.seen,
            )
        )
        return _view(call, drained)

    @operation("host:drain", status=204, statuses=(404, 409, 412))
    def delete(self, call: Call) -> None:
        """Give out the cards of a host again."""
        call.again(
            lambda: drain.resume(
                call.ports, call.args["name"], call.actor(), call.seen
            )
        )


class Report(routing.Node):
    @operation(
        "host:report",
        body=reports.REPORT,
        answer=reports.ANSWER,
        statuses=(404, 409),
    )
    def replace(self, call: Call) -> dict[str, Any]:
        """Take what the agent of a host sees.

        Whatever the policy says, only the user that is bound to the host is
        heard.
        """
        answer = report.take_report(
            call.ports,
            call.args["name"],
            call.ctx.user_id,
            call.body,
            call.ports.clock.now(),
        )
        return {
            "changed": answer.changed,
            "interval": answer.interval,
            "claimed": list(answer.claimed),
            "orders": [],
        }


class Config(routing.Node):
    @operation("host:config", answer=schemas.CONFIG, statuses=(404, 409))
    def show(self, call: Call) -> dict[str, Any]:
        """Show the configuration that Nova needs for a host."""
        rendered = config_render.render(call.ports, call.args["name"])
        return {
            "nova_conf": rendered.nova_conf,
            "provider_yaml": rendered.provider_yaml,
            "slots": dict(rendered.slots),
        }


class Hosts(routing.Collection):
    key: ClassVar[str] = "name"
    members: ClassVar[Mapping[str, routing.Node]] = {
        "agent": Agent(),
        "drain": Drain(),
        "report": Report(),
        "config": Config(),
    }

    @operation("host:list", query=schemas.QUERY, answer=schemas.LIST)
    def list_all(self, call: Call) -> dict[str, Any]:
        """List the hosts."""
        with call.ports.store.read() as tx:
            found = tx.hosts.page(call.page())
            cards = _cards(tx, found.items)
            failed = tx.failures.of_hosts(tuple(cards))
        items = [
            view.show(call, host, cards[host.name], failed.get(host.name, ()))
            for host in found.items
        ]
        return call.listing("hosts", items, found, "name")

    @operation("host:show", answer=schemas.HOST, statuses=(404,))
    def show(self, call: Call) -> dict[str, Any]:
        """Show a host."""
        return _view(call, _host(call))

    @operation(
        "host:create",
        status=201,
        body=schemas.CREATE,
        answer=schemas.HOST,
        statuses=(409,),
    )
    def create(self, call: Call) -> dict[str, Any]:
        """Make a host known; it is observed unless asked otherwise."""
        return _view(call, enrol.add_host(call.ports, call.body))

    @operation(
        "host:update",
        body=schemas.UPDATE,
        answer=schemas.HOST,
        statuses=(404, 409, 412),
    )
    def update(self, call: Call) -> dict[str, Any]:
        """Change the pool or the mode of a host."""
        changed = enrol.change_host(
            call.ports, call.args["name"], call.changes(), call.seen
        )
        return _view(call, changed)

    @operation("host:delete", status=204, statuses=(404, 409, 412))
    def delete(self, call: Call) -> None:
        """Forget a host without cards that are present or claimed."""
        enrol.remove_host(call.ports, call.args["name"], call.seen)


def _cards(
    tx: ports.Transaction, found: list[hosts.Host]
) -> dict[str, list[devices.Device]]:
    """Host -> its devices, in as many statements as for one host."""
    names = tuple(host.name for host in found)
    cards: dict[str, list[devices.Device]] = {name: [] for name in names}
    page = paging.Page(filters={"host": names}, limit=_ALL)
    for card in tx.devices.page(page).items:
        cards[card.host].append(card)
    return cards


def _host(call: Call) -> hosts.Host:
    with call.ports.store.read() as tx:
        return tx.hosts.get(call.args["name"])


def _view(call: Call, host: hosts.Host) -> dict[str, Any]:
    with call.ports.store.read() as tx:
        cards = tx.devices.of_host(host.name)
        failed = tx.failures.of_hosts([host.name])
    return view.show(call, host, cards, failed.get(host.name, ()))
