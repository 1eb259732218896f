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

"""Models as the list has them: with the flavors that name them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gpubroker.client.sdk import flavor as flavor_sdk
from gpubroker.client.sdk import model as model_sdk


@dataclass(frozen=True, slots=True)
class Listed:
    """:param flavors: names of those that it is acceptable to."""

    model: model_sdk.Model
    flavors: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The key of the row."""
        return self.model.name

    @property
    def ids(self) -> str:
        """By what its cards are known on the bus."""
        found = [
            f"{self.model.vendor_id}:{product}"
            for product in self.model.product_ids or ()
        ]
        subsystems = ", ".join(self.model.subsystem_ids or ())
        words = ", ".join(found)
        return f"{words} ({subsystems})" if subsystems else words


def listed(
    models: Iterable[model_sdk.Model], flavors: Iterable[flavor_sdk.Flavor]
) -> list[Listed]:
    """By name."""
    named: dict[str, list[str]] = {}
    for flavor in flavors:
        for name in flavor.models or ():
            named.setdefault(name, []).append(flavor.name)
    return [
        Listed(model, tuple(sorted(named.get(model.name, ()))))
        for model in sorted(models, key=lambda model: model.name)
    ]
