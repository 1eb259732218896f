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

"""What has to be true after each phase, looked at in the real services."""

from __future__ import annotations

import configparser
import json
import pathlib
import re
from collections.abc import Callable

from oslo_config import cfg

from sandbox import cloud as clouds
from tests.devstack import scratch as scratches
from tests.unit.devstack import plugin

BIN = "/opt/stack/data/venv/bin"
_CONFIG = ["--config-file", "/etc/gpubroker/gpubroker.conf"]
# What no API shows.
_FILES = [
    *("--nova-conf", "/etc/nova/nova.conf"),
    *("--nova-conf", "/etc/nova/nova-cpu.conf"),
    *("--placement-conf", "/etc/placement/placement.conf"),
]
_CLONE = "opt/stack/gpubroker"
_ENABLED = "opt/stack/horizon/openstack_dashboard/local/enabled"


def equal(wanted: object, found: object, what: str) -> None:
    """:raises AssertionError: saying what differs."""
    if wanted != found:
        raise AssertionError(f"{what}: {found!r}, not {wanted!r}")


def record(scratch: scratches.Scratch) -> None:
    """DevStack has every function that is on record for the unit tests"""
    paths = [
        scratch.checkout / "stack.sh",
        *scratch.checkout.glob("functions*"),
        *scratch.checkout.glob("inc/*"),
        *(path for path in scratch.checkout.rglob("lib/*") if path.is_file()),
    ]
    text = "\n".join(path.read_text() for path in paths)
    there = set(re.findall(r"^function (\w+) \{", text, re.M))
    equal([], sorted(plugin.recorded() - there), "functions that are missing")


class Stacked:
    """After ``stack.sh``.

    Each method is one check; its docstring is what the person reads.
    """

    def __init__(
        self, scratch: scratches.Scratch, cloud: clouds.Cloud
    ) -> None:
        self._scratch = scratch
        self._cloud = cloud

    def checks(self) -> list[Callable[[], None]]:
        return [
            self.identity,
            self.endpoint,
            self.private_files,
            self.nova_files,
            self.other_files,
            self.translations,
            self.offers,
            self.lease,
            # Before a lease has started it says that it knows of none.
            self.upgrade_check,
        ]

    def identity(self) -> None:
        """The broker's user has the roles service and gpubroker, no other"""
        listed = self._admin_json(
            *("role", "assignment", "list", "--user", "gpubroker", "--names")
        )
        roles = sorted(each["Role"] for each in listed)
        equal(
            ["gpubroker@Default", "service@Default"],
            sorted(f"{role}@Default" for role in roles),
            "roles",
        )
        equal(
            {"service@Default"},
            {each["Project"] for each in listed},
            "projects",
        )

    def endpoint(self) -> None:
        """The catalogue has the URL behind Apache, and it answers"""
        found = self._admin_json("endpoint", "list", "--service", "gpu-broker")
        port = scratches.apache_port(self._cloud)
        equal(
            [f"http://127.0.0.1:{port}/gpu-broker"],
            [each["URL"] for each in found],
            "endpoints",
        )
        # Through version discovery, with links that keep the prefix.
        self._scratch.openstack("devstack-admin", "gpu", "host", "list")

    def private_files(self) -> None:
        """Files with passwords and keys are not for everybody"""
        folder = self._scratch.file("etc/gpubroker")
        names = [
            "gpubroker.conf",
            *(f"agent-{name}.conf" for name in scratches.HOSTS.split()),
            *(path.name for path in (folder / "keys").iterdir()),
        ]
        for name in names:
            path = folder / name
            path = path if path.exists() else folder / "keys" / name
            equal("0", f"{path.stat().st_mode & 0o007:o}", f"mode of {name}")

    def nova_files(self) -> None:
        """Nova's files have aliases, slots, filters and the policy"""
        conf = _nova(self._scratch.file("etc/nova/nova.conf"))
        names = [json.loads(text)["name"] for text in conf.pci.alias]
        equal(len(names), len(set(names)), "aliases, each once")
        for name in ("a100-sxm4-80gb", "a100-sxm4-80gb-s7", "l40s-48gb-s3"):
            equal(True, name in names, f"alias {name}")
        filters = conf.filter_scheduler.enabled_filters
        for name in ("PciPassthroughFilter", "NUMATopologyFilter"):
            equal(1, filters.count(name), name)
        equal(True, "ComputeFilter" in filters, "DevStack's own filters")
        equal(True, conf.filter_scheduler.pci_in_placement, "in Placement")
        compute = _nova(self._scratch.file("etc/nova/nova-cpu.conf"))
        equal(conf.pci.alias, compute.pci.alias, "aliases of computes")
        policy = self._scratch.file("etc/nova/policy.yaml").read_text()
        equal(
            '"context_is_admin": "role:admin or role:gpubroker"\n',
            policy,
            "Nova's policy",
        )

    def other_files(self) -> None:
        """Placement, Neutron and Tempest are told"""
        placement = self._ini("etc/placement/placement.conf")
        equal(
            "1",
            placement["placement"]["allocation_conflict_retry_count"],
            "retries",
        )
        ml2 = self._ini("etc/neutron/plugins/ml2/ml2_conf.ini")
        equal("ovn,gpubroker_sandbox", ml2["ml2"]["mechanism_drivers"], "ML2")
        tempest = self._ini("opt/stack/tempest/etc/tempest.conf")
        equal(
            {"nova": "True", "gpubroker": "True"},
            dict(tempest["service_available"]),
            "what Tempest's file, which DevStack makes anew, says is there",
        )
        equal(panels(), enabled(self._scratch), "panels")

    def translations(self) -> None:
        """What the panels say was compiled when gpubroker was installed"""
        locale = self._scratch.file(f"{_CLONE}/gpubroker/dashboard/locale")
        sources = {path.with_suffix("") for path in locale.rglob("*.po")}
        equal(True, bool(sources), "translations")
        made = {path.with_suffix("") for path in locale.rglob("*.mo")}
        equal(sources, made, "compiled")

    def upgrade_check(self) -> None:
        """gpubroker-status upgrade check finds nothing wrong"""
        done = self._scratch.run(
            [f"{BIN}/gpubroker-status", *_CONFIG, *_FILES, "upgrade", "check"]
        )
        if done.returncode:
            raise AssertionError(done.stdout)

    def offers(self) -> None:
        """Every card of the simulated hosts can be ordered"""
        cards = json.loads(
            self._scratch.openstack(
                "devstack-admin",
                *("gpu", "device", "list", "--long", "-f", "json"),
            )
        )
        equal(12, len(cards), "cards")
        for card in cards:
            equal(True, card["Schedulable"], f"card {card['Serial']}")

    def lease(self) -> None:
        """A user orders 2 x A100, gets a server, and ends it"""
        self._scratch.openstack(
            "devstack",
            *("gpu", "lease", "create", "--flavor", "vm.gpu.a100.2"),
            *("--image", "ubuntu", "--network", "demo-net"),
            *("--duration", "1h", "--wait", "train"),
        )
        told = self._scratch.openstack(
            *("devstack", "gpu", "lease", "show", "train"),
            *("-f", "value", "-c", "state"),
        )
        equal("active", told, "lease")
        servers = json.loads(
            self._scratch.openstack("devstack", "server", "list", "-f", "json")
        )
        equal(["ACTIVE"], [each["Status"] for each in servers], "servers")
        self._scratch.openstack(
            *("devstack", "gpu", "lease", "delete", "train", "--wait")
        )

    def _admin_json(self, *words: str) -> list[dict[str, str]]:
        text = self._scratch.openstack("devstack-admin", *words, "-f", "json")
        found: list[dict[str, str]] = json.loads(text)
        return found

    def _ini(self, path: str) -> configparser.RawConfigParser:
        found = configparser.RawConfigParser()
        found.read(self._scratch.file(path))
        return found


def panels() -> list[str]:
    """The enabled files that this checkout has."""
    folder = pathlib.Path(__file__).parents[2] / "gpubroker" / "dashboard"
    return sorted(path.name for path in folder.glob("enabled/_[0-9]*.py"))


def enabled(scratch: scratches.Scratch) -> list[str]:
    """Those that Horizon has."""
    return sorted(path.name for path in scratch.file(_ENABLED).iterdir())


def _nova(path: pathlib.Path) -> cfg.ConfigOpts:
    """As Nova itself reads it."""
    conf = cfg.ConfigOpts()
    conf.register_opts([cfg.MultiStrOpt("alias", default=[])], "pci")
    conf.register_opts(
        [
            cfg.ListOpt("enabled_filters"),
            cfg.BoolOpt("pci_in_placement"),
        ],
        "filter_scheduler",
    )
    conf([], default_config_files=[str(path)])
    return conf


def unstacked(scratch: scratches.Scratch) -> None:
    """No process is left, and neither Nova nor Horizon knows of gpubroker"""
    left = sorted(
        path.name for path in scratch.file("run/units").glob("*.pid")
    )
    equal([], left, "units that run")
    equal("", scratch.file("etc/nova/policy.yaml").read_text(), "policy")
    equal([], enabled(scratch), "panels")


def cleaned(scratch: scratches.Scratch) -> None:
    """No file is left, but the clone, the environment and the logs"""
    left = []
    for folder in ("etc", "opt", "run", "var"):
        for path in scratch.file(folder).rglob("*gpu*broker*"):
            name = "/" + str(path.relative_to(scratch.root))
            if not name.startswith(("/opt/stack/gpubroker", BIN[:-3])):
                left.append(name)
    # DevStack deletes the units by itself, all in one.
    units = [name for name in left if "/systemd/system/devstack@" in name]
    equal([], sorted(set(left) - set(units)), "files")
