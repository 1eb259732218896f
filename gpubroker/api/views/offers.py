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


"""An offer as the API shows it."""

from __future__ import annotations

from typing import Any

from gpubroker.domain import offers


def show(
    flavor: str | None, offer: offers.Offer, detail: bool
) -> dict[str, Any]:
    """:param detail: whether an operator asks: hosts and addresses."""
    view: dict[str, Any] = {
        "flavor": flavor,
        "models": list(offer.models),
        "gpus": offer.gpus,
        "available": offer.available,
        "queued": offer.queued,
        "cards": {
            "total": offer.total,
            "free": offer.free,
            "in_use": offer.in_use,
            "fenced": offer.fenced,
        },
        "blocked": [
            {
                "reason": blocked.reason,
                "gpus": blocked.gpus,
                "detail": blocked.detail,
            }
            for blocked in offer.blocked
        ],
        "pools": list(offer.pools),
    }
    if detail:
        view["hosts"] = [
            {
                "host": host.host,
                "free": host.free,
                "addresses": list(host.addresses),
            }
            for host in offer.hosts
        ]
    return view
