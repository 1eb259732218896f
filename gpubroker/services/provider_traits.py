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

"""The traits of a host's providers, as Placement has them."""

from __future__ import annotations

from gpubroker.domain import hosts
from gpubroker.domain import mirror
from gpubroker.domain import traits
from gpubroker.services import ports


def known(tx: ports.Transaction, name: str) -> dict[str, tuple[str, ...]]:
    """Device -> traits that its provider had when last read."""
    found: dict[str, tuple[str, ...]] = {}
    for one in tx.traits.of_host(name):
        if one.device_id and one.source is traits.Source.PLACEMENT:
            found[one.device_id] = (*found.get(one.device_id, ()), one.trait)
    return found


def write(
    tx: ports.Transaction,
    host: hosts.Host,
    seen: mirror.SeenHost,
    found: mirror.Mirrored,
) -> None:
    """Write those of a host and its cards; nothing when nothing is new."""
    wanted = {(None, name) for name in seen.traits} | {
        (device_id, name)
        for device_id, names in found.traits.items()
        for name in names
    }
    stands = {
        (one.device_id, one.trait)
        for one in tx.traits.of_host(host.name)
        if one.source is traits.Source.PLACEMENT
    }
    if wanted != stands:
        tx.traits.replace(
            host.name,
            traits.Source.PLACEMENT,
            [
                traits.ProviderTrait(
                    trait=name,
                    source=traits.Source.PLACEMENT,
                    host=host.name,
                    device_id=device_id,
                )
                for device_id, name in sorted(
                    wanted, key=lambda pair: (pair[0] or "", pair[1])
                )
            ],
        )
