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

"""What operators have set up in the broker: models, flavors and pools."""

from __future__ import annotations

from collections import Counter
from collections import defaultdict
from collections.abc import Collection

from gpubroker.domain import devices
from gpubroker.domain import flavors as domain
from gpubroker.domain import hosts
from gpubroker.domain import models as kinds
from gpubroker.services.checks import finding as f
from gpubroker.services.checks.mistakes import Mistake


def models(known: Collection[kinds.Model]) -> f.Findings:
    by_class: dict[str, set[str]] = defaultdict(set)
    by_alias: dict[str, set[str]] = defaultdict(set)
    for model in known:
        by_class[model.resource_class].add(model.name)
        by_alias[model.alias].add(model.name)
    for name, several in sorted(by_class.items()):
        if len(several) > 1:
            yield f.warning(
                Mistake.MODEL_CLASS_SHARED,
                f"{f.words(several)} have one resource class, {name}, so "
                "that Placement can not tell their cards apart. Give each "
                "its own: openstack gpu model set --resource-class.",
            )
    for name, several in sorted(by_alias.items()):
        if len(several) > 1:
            yield f.failure(
                Mistake.MODEL_ALIAS_SHARED,
                f"{f.words(several)} have one alias, {name}, which can stand "
                "for one resource class only in nova.conf. Give each its "
                "own: openstack gpu model set --alias.",
            )
    yield f.fact(f"{len(known)} models.")


def flavors(
    offered: Collection[domain.Flavor],
    found: Collection[devices.Device],
) -> f.Findings:
    """:param found: cards of managed hosts."""
    here = Counter(
        (card.host, card.model)
        for card in found
        if card.model and card.state is devices.State.PRESENT
    )
    most: dict[str, int] = defaultdict(int)
    for (_host, model), count in here.items():
        most[model] = max(most[model], count)
    unmet = {
        flavor.name
        for flavor in offered
        if not any(most[model] >= flavor.gpus for model in flavor.models)
    }
    if unmet and here:
        yield f.warning(
            Mistake.FLAVOR_UNMET,
            "No managed host has as many cards of one model as "
            f"{f.words(unmet)} asks for: an order never starts. Manage a host "
            'that has them, or run "openstack gpu flavor delete".',
        )
    yield f.fact(f"{len(offered)} flavors.")


def pools(
    every: Collection[str], managed: Collection[hosts.Host]
) -> f.Findings:
    """:param every: names of all pools."""
    empty = set(every) - {host.pool for host in managed}
    if empty and managed:
        yield f.warning(
            Mistake.POOL_EMPTY,
            f"Pool {f.words(empty)} has no managed host: a project that is "
            'bound to it gets nothing. Run "openstack gpu host set --pool", '
            'or "openstack gpu pool delete".',
        )
    yield f.fact(f"{len(every)} pools.")
