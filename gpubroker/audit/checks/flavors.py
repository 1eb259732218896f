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

"""Flavors by which people reach the broker's cards without it."""

from __future__ import annotations

from collections.abc import Iterator

from gpubroker.audit import findings
from gpubroker.audit import names
from gpubroker.audit.checks.view import View
from gpubroker.audit.checks.view import listed
from gpubroker.audit.findings import Finding
from gpubroker.audit.snapshot import Flavor


def check(view: View) -> Iterator[Finding]:
    leased = {
        card.resource_class
        for card in view.gpus.values()
        if view.managed(card.hypervisor)
    }
    for flavor in view.seen.flavors:
        if flavor.name.startswith(names.SHAPE) and not flavor.public:
            continue
        reached = _reached(view, flavor)
        for resource_class, words in sorted(reached.items()):
            if resource_class in leased:
                yield _around(flavor, resource_class, words)


def _reached(view: View, flavor: Flavor) -> dict[str, set[str]]:
    """Resource class -> the words by which the flavor asks for it."""
    found: dict[str, set[str]] = {}
    specs = dict(flavor.extra_specs)
    by_alias = {model.alias: model for model in view.seen.models}
    for alias in names.aliases(specs):
        model = by_alias.get(alias) or by_alias.get(names.slot(alias)[0])
        if model is not None:
            found.setdefault(model.resource_class, set()).add(f"alias {alias}")
    for name in names.classes(specs):
        if name in view.models:
            found.setdefault(name, set()).add(f"resources:{name}")
    return found


def _around(flavor: Flavor, resource_class: str, words: set[str]) -> Finding:
    kind = "public" if flavor.public else "private"
    return findings.warning(
        "flavor-around",
        (flavor.id, resource_class),
        f"The {kind} flavor {flavor.name} ({flavor.id}) asks for cards of "
        f"{resource_class} ({listed(words)}): who may use it gets them "
        "without a lease.",
        "The broker counts such servers, but no queue holds for them. Take "
        "the extra spec or the flavor away: openstack flavor show "
        f"{flavor.id}",
        lasting=True,
    )
