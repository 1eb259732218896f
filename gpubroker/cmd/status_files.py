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

"""Files of Nova and Placement that lie on this machine."""

from __future__ import annotations

import os
import pathlib
import socket
from collections.abc import Iterator
from typing import Any

import yaml
from oslo_config import cfg

from gpubroker.cmd import status_facts
from gpubroker.services import config_render
from gpubroker.services.checks import finding as f
from gpubroker.services.checks import nova_conf
from gpubroker.services.checks import placement_conf
from gpubroker.services.checks import provider_config
from gpubroker.services.checks.mistakes import Mistake

#: nova/conf/compute.py.
_FOLDER = "/etc/nova/provider_config/"


def nova(facts: status_facts.Facts) -> f.Findings:
    """Of each file that --nova-conf names."""
    with facts.store.read() as tx:
        wanted = config_render.aliases(tx)
        known = tx.models.all()
    for path in facts.conf.nova_conf:
        file = _read(path)
        if isinstance(file, f.Finding):
            yield file
            continue
        yield from nova_conf.check(file, wanted, known)
        if file.all("pci", "device_spec"):
            yield from _provider_config(facts, file)


def placement(facts: status_facts.Facts) -> f.Findings:
    """Of the file that --placement-conf names."""
    file = _read(facts.conf.placement_conf)
    if isinstance(file, f.Finding):
        yield file
    else:
        yield from placement_conf.check(file)


def _read(path: str) -> nova_conf.File | f.Finding:
    sections: dict[str, dict[str, list[str]]] = {}
    try:
        cfg.ConfigParser(path, sections).parse()
    except (OSError, ValueError, cfg.ParseError) as error:
        why = getattr(error, "strerror", None) or str(error)
        return f.failure(
            Mistake.FILE_UNREADABLE,
            f"{path} can not be read: {why}. Name a file that is there, and "
            "run this as a user who may read it.",
        )
    return nova_conf.File(path=path, sections=sections)


def _provider_config(
    facts: status_facts.Facts, file: nova_conf.File
) -> f.Findings:
    name = file.last("DEFAULT", "host") or socket.gethostname()
    host = next((h for h in facts.every_host if h.name == name), None)
    if host is None:
        yield f.unseen(
            f"{file.path} is of the host {name}, which the broker does not "
            "know (yet), so that nothing tells which slots its cards have."
        )
        return
    with facts.store.read() as tx:
        given = tx.hosts.slots(name)
        cards = tx.devices.of_host(name)
    path = file.last("compute", "provider_config_location") or _FOLDER
    yield from provider_config.check(
        provider_config.Folder(path=path, documents=_documents(path)),
        name,
        {
            config_render.provider_name(host, card): given[card.pci_address]
            for card in cards
            if card.model and card.pci_address in given
        },
    )


def _documents(path: str) -> list[Any] | None:
    try:
        return list(_load(pathlib.Path(path)))
    except (OSError, ValueError, yaml.YAMLError):
        return None


def _load(folder: pathlib.Path) -> Iterator[Any]:
    """Those that nova-compute reads (nova/compute/provider_config.py)."""
    for name in sorted(os.listdir(folder)):
        if name.endswith(".yaml"):
            with open(folder / name, encoding="utf-8") as text:
                yield yaml.safe_load(text)
