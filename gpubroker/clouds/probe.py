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

"""``services.checks.outside.Probe``: what is found only by trying.

What is made has names of its own: those of Nova begin as the broker's shapes
do, so that a worker removes what a probe that was killed has left; in
Placement the next probe finds and removes it.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import uuid
from collections.abc import Collection, Iterator

from gpubroker.clouds import answers
from gpubroker.clouds import compute
from gpubroker.clouds import session
from gpubroker.services import names
from gpubroker.services.checks import outside

#: Nova's limit for the value of an extra spec.
_LONGEST = 255

#: A server that Nova never makes: it looks for the server group after it has
#: read the flavor's aliases (nova/compute/api.py, ``_create_instance``).
_NO_IMAGE = {
    "boot_index": 0,
    "source_type": "blank",
    "destination_type": "volume",
    "volume_size": 1,
    "delete_on_termination": True,
}


class Probe:
    def __init__(
        self,
        nova: compute.Nova,
        placement: session.Service,
        installation: str,
    ) -> None:
        """:param installation: the name of this one."""
        self._nova = nova
        self._placement = placement
        self._installation = installation

    # -- aliases ---------------------------------------------------------

    def aliases(self, wanted: Collection[str]) -> dict[str, str]:
        refused: dict[str, str] = {}
        with self._flavor() as flavor:
            for some in _batches(sorted(wanted)):
                refused |= self._refused(flavor, some)
        return refused

    def _refused(self, flavor: str, some: list[str]) -> dict[str, str]:
        """Nova names the first that it does not know, so ask without it."""
        refused: dict[str, str] = {}
        while some:
            words = self._order(flavor, some)
            if "alias" not in words.lower():
                break
            known = [name for name in some if name in _tokens(words)]
            if not known:
                # It can not read its aliases at all.
                return refused | dict.fromkeys(some, words)
            refused |= dict.fromkeys(known, words)
            some = [name for name in some if name not in known]
        return refused

    def _order(self, flavor: str, some: list[str]) -> str:
        """Nova's words about a server with one device of each alias."""
        self._nova.call(
            "POST",
            f"/flavors/{flavor}/os-extra_specs",
            json={
                "extra_specs": {
                    "pci_passthrough:alias": ",".join(f"{a}:1" for a in some)
                }
            },
        )
        answer = self._nova.call(
            "POST",
            "/servers",
            json={
                "server": {
                    "name": flavor,
                    "flavorRef": flavor,
                    "networks": "none",
                    "block_device_mapping_v2": [_NO_IMAGE],
                },
                "os:scheduler_hints": {"group": str(uuid.uuid4())},
            },
            accept=(400, 403, 404, 409),
        )
        if answer.found:
            # Nova of the future: no server may stay.
            self._nova.call(
                "DELETE", f"/servers/{answer.body['server']['id']}"
            )
        return answer.words

    @contextlib.contextmanager
    def _flavor(self) -> Iterator[str]:
        name = f"{names.shapes_of(self._installation)}probe"
        record = {
            "id": name,
            "name": name,
            "vcpus": 1,
            "ram": 64,
            "disk": 0,
            "os-flavor-access:is_public": False,
        }
        self._nova.call(
            "POST", "/flavors", json={"flavor": record}, accept=(409,)
        )
        try:
            yield name
        finally:
            self._nova.call("DELETE", f"/flavors/{name}", accept=(404,))

    # -- claims ----------------------------------------------------------

    def race(self, consumers: int) -> outside.Claims:
        resource_class = f"CUSTOM_GPUBROKERPROBE_{self._installation.upper()}"
        ids = [str(uuid.uuid4()) for _ in range(consumers)]
        with (
            self._thing(resource_class) as provider,
            concurrent.futures.ThreadPoolExecutor(consumers) as pool,
        ):
            ran = list(
                pool.map(
                    lambda one: self._claim(one, provider, resource_class),
                    ids,
                )
            )
        return outside.Claims(
            winners=sum(answer.found for answer in ran),
            sent_back=sum(
                answer.code == "placement.concurrent_update" for answer in ran
            ),
        )

    def _claim(
        self, consumer: str, provider: str, resource_class: str
    ) -> answers.Answer:
        return self._placement.call(
            "PUT",
            f"/allocations/{consumer}",
            json={
                "allocations": {provider: {"resources": {resource_class: 1}}},
                "project_id": self._installation,
                "user_id": self._installation,
                "consumer_generation": None,
                "consumer_type": "GPUBROKER_PROBE",
            },
            accept=(409,),
        )

    @contextlib.contextmanager
    def _thing(self, resource_class: str) -> Iterator[str]:
        """A provider under no compute node, with one thing to give."""
        name = f"gpubroker-probe-{self._installation}"
        self._remove(name, resource_class)
        self._placement.call("PUT", f"/resource_classes/{resource_class}")
        made = self._placement.call(
            "POST", "/resource_providers", json={"name": name}
        )
        try:
            self._placement.call(
                "PUT",
                f"/resource_providers/{made.body['uuid']}/inventories",
                json={
                    "resource_provider_generation": made.body["generation"],
                    "inventories": {resource_class: {"total": 1}},
                },
            )
            yield made.body["uuid"]
        finally:
            self._remove(name, resource_class)

    def _remove(self, name: str, resource_class: str) -> None:
        found = self._placement.get(
            "/resource_providers", params={"name": name}
        ).body["resource_providers"]
        for provider in found:
            path = f"/resource_providers/{provider['uuid']}"
            held = self._placement.get(f"{path}/allocations").body
            for consumer in held["allocations"]:
                self._placement.call(
                    "DELETE", f"/allocations/{consumer}", accept=(404,)
                )
            self._placement.call("DELETE", path, accept=(404,))
        self._placement.call(
            "DELETE", f"/resource_classes/{resource_class}", accept=(404,)
        )


def _batches(wanted: list[str]) -> Iterator[list[str]]:
    """As many names at a time as an extra spec holds."""
    some: list[str] = []
    for name in wanted:
        if (
            some
            and len(",".join([*some, name])) + 2 * len(some) > _LONGEST - 2
        ):
            yield some
            some = []
        some = [*some, name]
    if some:
        yield some


def _tokens(words: str) -> set[str]:
    return set(words.replace(",", " ").replace("'", " ").split())
