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

"""Nova's configuration: API, conductor and scheduler, and each compute."""

import json
import shutil

from sandbox import hardware
from sandbox import layout as layouts
from sandbox.config import settings as s

FILTERS = (
    "ComputeFilter",
    "ComputeCapabilitiesFilter",
    "ImagePropertiesFilter",
    "ServerGroupAntiAffinityFilter",
    "ServerGroupAffinityFilter",
    "NUMATopologyFilter",
    "PciPassthroughFilter",
)

NO_CONSOLE_PROXY = "http://no-console-proxy.invalid/vnc_lite.html"

# gpubroker makes private flavors and looks at other projects' servers.  Nova
# decides both by context_is_admin in code, not by a rule of their own, so
# this is the least that works.
POLICY = '"context_is_admin": "role:admin or role:gpubroker"\n'


def aliases() -> list[str]:
    """The words by which a flavor asks for a GPU: any of a model, or the
    card in one slot."""
    found = []
    for model in hardware.MODELS:
        alias = {
            "name": model.name,
            "device_type": "type-PF",
            "resource_class": model.resource_class,
        }
        found.append(alias)
        found += [
            {
                **alias,
                "name": f"{model.name}-s{slot}",
                "traits": hardware.slot_trait(slot),
            }
            for slot in range(hardware.SLOTS)
        ]
    return [json.dumps(alias) for alias in found]


def device_specs() -> list[str]:
    """Which PCI devices Nova may give to guests, and as what."""
    return [
        json.dumps(
            {
                "vendor_id": hardware.NVIDIA,
                "product_id": model.product_id,
                "resource_class": model.resource_class,
            }
        )
        for model in hardware.MODELS
    ]


def provider_yaml(host: hardware.Host) -> str:
    """The traits that mark each card's slot, for nova-compute.

    Has to be there at the first start of nova-compute, which reads it once.
    Written by hand rather than by PyYAML, as an operator would see it.
    """
    lines = ["meta:", "  schema_version: '1.0'", "providers:"]
    for slot, gpu in enumerate(host.gpus):
        lines += [
            "  - identification:",
            f"      name: '{hardware.provider_name(host.name, gpu)}'",
            "    traits:",
            "      additional:",
            f"        - {hardware.slot_trait(slot)}",
        ]
    return "\n".join(lines) + "\n"


def write(settings: s.Settings) -> None:
    s.write(settings, "nova", "nova.conf", _nova_conf(settings))
    s.write(settings, "nova", "policy.yaml", POLICY)
    # Nova looks for it beside its configuration, nowhere else.
    shutil.copy(
        layouts.CLOUD_ENVIRONMENT / "etc/nova/api-paste.ini",
        settings.layout.config / "nova",
    )
    for host in hardware.HOSTS:
        settings.layout.host(host.name).mkdir(parents=True, exist_ok=True)
        folder = compute_folder(host.name)
        s.write(settings, folder, "nova.conf", _compute_conf(settings, host))
        s.write(
            settings,
            f"{folder}/provider_config",
            "gpus.yaml",
            provider_yaml(host),
        )
    s.write_web_server(
        settings, "nova", "nova.wsgi.osapi_compute:application", threads=16
    )


def compute_folder(host: str) -> str:
    """The folder of a compute's configuration, below that of all."""
    return f"nova-compute/{host}"


def _common(settings: s.Settings) -> dict[str, dict[str, s.Value]]:
    nova = settings.credentials("nova")
    return {
        "DEFAULT": {
            "my_ip": "127.0.0.1",
            "transport_url": settings.transport,
            # Nothing below Neutron would ever report a plugged port.
            "vif_plugging_is_fatal": False,
            "vif_plugging_timeout": 0,
        },
        "oslo_concurrency": settings.locks(),
        "oslo_messaging_notifications": {"driver": "noop"},
        "keystone": nova,
        "placement": nova,
        "glance": nova,
        "neutron": nova,
        "service_user": {"send_service_user_token": True, **nova},
        # So that Nova hands out addresses of consoles, as a cloud does. There
        # is no screen behind a simulated guest, so nobody listens there.
        "vnc": {"enabled": True, "novncproxy_base_url": NO_CONSOLE_PROXY},
        "filter_scheduler": {
            "pci_in_placement": True,
            "enabled_filters": ",".join(FILTERS),
        },
        # The same list in the API and in every compute: a compute needs it
        # when a server moves to it.
        "pci": {"alias": aliases()},
    }


def _nova_conf(settings: s.Settings) -> str:
    sections = _common(settings)
    sections["DEFAULT"] |= {
        "host": "sandbox",
        "state_path": str(settings.layout.data / "nova"),
    }
    sections |= {
        "api": {"auth_strategy": "keystone"},
        "api_database": {"connection": settings.database("nova_api")},
        "database": {"connection": settings.database("nova")},
        "conductor": {"workers": 1},
        "scheduler": {"workers": 1, "max_attempts": 3},
        "keystone_authtoken": settings.token_checks("nova"),
    }
    return s.ini(sections)


def _compute_conf(settings: s.Settings, host: hardware.Host) -> str:
    layout = settings.layout
    sections = _common(settings)
    sections["DEFAULT"] |= {
        "host": host.name,
        "state_path": str(layout.host(host.name)),
        "compute_driver": "simulated.SimulatedDriver",
        "initial_cpu_allocation_ratio": "1.0",
        "reserved_host_memory_mb": 4096,
        # A change of the hardware shows in seconds, not in minutes; and so
        # long may Nova take a card for used that was just given back.
        "update_resources_interval": 8,
    }
    sections["compute"] = {
        "resource_provider_association_refresh": 45,
        "provider_config_location": str(
            layout.config / compute_folder(host.name) / "provider_config"
        ),
    }
    sections["pci"] |= {
        "report_in_placement": True,
        "device_spec": device_specs(),
    }
    sections["simulated"] = {
        "hardware": str(hardware.hardware_file(layout, host.name)),
        "control": str(hardware.control_file(layout, host.name)),
    }
    return s.ini(sections)
