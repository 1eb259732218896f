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

"""The folder from which nova-compute takes the slot traits."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from gpubroker.domain import traits
from gpubroker.services.checks import finding as f
from gpubroker.services.checks.mistakes import Mistake


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """:param documents: of its files; ``None`` when it can not be read."""

    path: str
    documents: Collection[Any] | None


def check(folder: Folder, host: str, wanted: Mapping[str, int]) -> f.Findings:
    """
    :param wanted: name of a card's provider -> the slot that it has.
    """
    if folder.documents is None:
        yield _wrong(
            folder,
            host,
            f"{folder.path}, the folder of [compute] "
            "provider_config_location, can not be read",
        )
        return
    stand = _slots(folder.documents)
    lacking = {name for name in wanted if name not in stand}
    other = {
        name
        for name, slot in wanted.items()
        if name in stand and stand[name] != {f"{traits.SLOT_PREFIX}{slot}"}
    }
    if lacking:
        yield _wrong(
            folder,
            host,
            f"The files in {folder.path} do not mark {f.words(lacking)} "
            "with a slot",
        )
    if other:
        yield _wrong(
            folder,
            host,
            f"The files in {folder.path} mark {f.words(other)} with another "
            "slot than the broker has",
        )


def _wrong(folder: Folder, host: str, what: str) -> f.Finding:
    return f.failure(
        Mistake.FILE_PROVIDER_CONFIG,
        f'{what}. Write what "openstack gpu config render --host {host} '
        f'--provider-yaml" prints into {folder.path}/gpus.yaml, readable by '
        "nova, and restart nova-compute.",
    )


def _slots(documents: Collection[Any]) -> dict[str, set[str]]:
    """Name of a provider -> its slot traits; what is malformed keeps
    nova-compute from starting, which is seen elsewhere."""
    found: dict[str, set[str]] = {}
    for document in documents:
        listed = _get(document, "providers")
        for provider in listed if isinstance(listed, list) else ():
            name = _get(_get(provider, "identification"), "name")
            more = _get(_get(provider, "traits"), "additional")
            found.setdefault(str(name), set()).update(
                str(one)
                for one in (more if isinstance(more, list) else ())
                if str(one).startswith(traits.SLOT_PREFIX)
            )
    return found


def _get(thing: Any, key: str) -> Any:
    return thing.get(key) if isinstance(thing, dict) else None
