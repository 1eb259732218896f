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

"""What bears the name of another installation, or that of none.

It is told and never judged: its broker is another one, whose leases nobody
has asked about.
"""

from __future__ import annotations

import collections
from collections.abc import Iterator, Mapping

from gpubroker.audit import findings
from gpubroker.audit import names
from gpubroker.audit.checks.view import View
from gpubroker.audit.checks.view import listed
from gpubroker.audit.checks.view import made_by
from gpubroker.audit.findings import Finding


def check(view: View) -> Iterator[Finding]:
    found = _found(view)
    nobodys = {
        name for things in found.pop("", {}).values() for name in things
    }
    for installation, things in sorted(found.items()):
        counted = (_count(len(them), kind) for kind, them in things.items())
        yield findings.note(
            "installation-other",
            (installation,),
            f"Installation {installation} is on this cloud, too, with "
            f"{listed(counted)}: nothing of it is judged.",
        )
    if nobodys:
        yield findings.note(
            "name-of-nobody",
            tuple(sorted(nobodys)),
            "These are named as things of a broker, and bear the name of no "
            f"installation: {listed(nobodys)}.",
        )


def installations(view: View) -> frozenset[str]:
    """The others on this cloud."""
    return frozenset(_found(view)) - {""}


def _found(view: View) -> dict[str, Mapping[str, set[str]]]:
    """Installation -> kind -> things; not of the one that was asked."""
    found: dict[str, dict[str, set[str]]] = {}
    for kind, name, thing in _named(view):
        whose = names.installation(name)
        if whose is not None and whose != view.seen.installation:
            things = found.setdefault(whose, collections.defaultdict(set))
            things[kind].add(thing)
    return {**found}


def _named(view: View) -> Iterator[tuple[str, str, str]]:
    """(kind, name that says whose it is, what it is) of all that may be
    another installation's."""
    for ticket in view.seen.tickets:
        yield "ticket", ticket.name, ticket.name
    for name in view.seen.traces:
        kind = "mark" if name.startswith(names.MARK) else "provider"
        yield kind, name, name
    for flavor in view.seen.flavors:
        if not flavor.public:
            yield "private flavor", flavor.name, flavor.name
    for pair in view.seen.keypairs:
        yield "key pair", pair.name, pair.name
    for server in view.seen.servers.values():
        made = made_by(server)
        if made and names.installation(made):
            yield "server", made, server.id
            for place in view.held.get(server.id, ()):
                yield "card", made, str(place)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
