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

"""An offer says how many of an order could start now, and why not more."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from openstack import resource

from gpubroker.client.sdk import base


class Offer(base.Resource):
    resources_key = "offers"
    base_path = "/offers"
    allow_list = True

    _query_mapping = resource.QueryParameters(
        "flavor", "model", "gpus", include_pagination_defaults=False
    )

    #: Name of the flavor; ``None`` when asked by model and number.
    flavor: str | None = resource.Body("flavor")
    #: Names of the models, the most preferred first.
    models: list[str] = resource.Body("models", type=list)
    #: GPUs in one such order.
    gpus: int = resource.Body("gpus", type=int)
    #: How many such orders of one node could start now.
    available: int = resource.Body("available", type=int)
    #: Orders for the same models that already wait.
    queued: int = resource.Body("queued", type=int)
    #: Counts of cards of these models: total, free, in_use, fenced.
    cards: dict[str, int] = resource.Body("cards", type=dict)
    #: What keeps cards back: dicts of reason, gpus and detail.
    blocked: list[dict[str, Any]] = resource.Body("blocked", type=list)
    #: Pools that were looked at: all that are open to the project.
    pools: list[str] = resource.Body("pools", type=list)
    #: Where the free cards are; operators only.
    hosts: list[dict[str, Any]] = resource.Body("hosts", type=list)


class Calls(base.Proxy):
    def offers(
        self,
        *,
        flavor: str | None = None,
        model: str | None = None,
        gpus: int | None = None,
    ) -> Generator[Offer, None, None]:
        """Ask what could start now.

        Nothing given asks for every flavor.

        :param flavor: name of a flavor.
        :param model: name or family of a model; goes with ``gpus``.
        :param gpus: GPUs wanted on one node.
        :raises gpubroker.client.errors.BadRequest: for an unknown flavor or
            model.
        """
        return self._list(Offer, flavor=flavor, model=model, gpus=gpus)
