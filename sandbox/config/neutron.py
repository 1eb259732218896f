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

"""Neutron's configuration: the API alone, without agents."""

from sandbox import layout as layouts
from sandbox.config import settings as s

DRIVER = layouts.ROOT / "sandbox" / "neutron_driver"


def write(settings: s.Settings) -> None:
    s.write(settings, "neutron", "neutron.conf", _neutron_conf(settings))
    s.write(settings, "neutron", "ml2_conf.ini", _ml2_conf())
    _write_entry_point(settings)
    s.write_web_server(
        settings, "neutron", "neutron.wsgi.api:application", threads=8
    )


def _neutron_conf(settings: s.Settings) -> str:
    paste = layouts.CLOUD_ENVIRONMENT / "etc/neutron/api-paste.ini"
    return s.ini(
        {
            "DEFAULT": {
                "host": "sandbox",
                "state_path": str(settings.layout.data / "neutron"),
                "transport_url": settings.transport,
                "auth_strategy": "keystone",
                "core_plugin": "ml2",
                "service_plugins": "router,auto_allocate",
                "api_paste_config": str(paste),
                # Nobody answers as a DHCP agent: a port must not wait for
                # one before it is active.
                "enable_traditional_dhcp": False,
                "rpc_workers": 0,
                "rpc_state_report_workers": 0,
                "notify_nova_on_port_status_changes": True,
                "notify_nova_on_port_data_changes": True,
                "send_events_interval": 1,
            },
            "database": {"connection": settings.database("neutron")},
            "oslo_concurrency": settings.locks(),
            "oslo_messaging_notifications": {"driver": "noop"},
            "nova": settings.credentials("neutron"),
            "placement": settings.credentials("neutron"),
            "keystone_authtoken": settings.token_checks("neutron"),
        }
    )


def _ml2_conf() -> str:
    return s.ini(
        {
            "ml2": {
                "type_drivers": "vxlan",
                "tenant_network_types": "vxlan",
                "mechanism_drivers": "gpubroker_sandbox",
                "extension_drivers": "port_security",
            },
            "ml2_type_vxlan": {"vni_ranges": "1:4000"},
            "securitygroup": {"enable_security_group": True},
        }
    )


def _write_entry_point(settings: s.Settings) -> None:
    """Make the mechanism driver known to Neutron without installing it.

    Neutron loads drivers by entry point only; the metadata of a package
    beside others on the path is enough for that.
    """
    metadata = "neutron/metadata/gpubroker_sandbox-1.dist-info"
    s.write(
        settings,
        metadata,
        "METADATA",
        "Metadata-Version: 2.1\nName: gpubroker-sandbox\nVersion: 1\n",
    )
    s.write(
        settings,
        metadata,
        "entry_points.txt",
        "[neutron.ml2.mechanism_drivers]\n"
        "gpubroker_sandbox = mechanism:PortBinder\n",
    )


def environment(settings: s.Settings) -> dict[str, str]:
    """What Neutron's programs need in their environment."""
    config = settings.layout.config / "neutron"
    return {
        "OS_NEUTRON_CONFIG_DIR": str(config),
        "OS_NEUTRON_CONFIG_FILES": "neutron.conf;ml2_conf.ini",
        "PYTHONPATH": f"{DRIVER}:{config / 'metadata'}",
    }
