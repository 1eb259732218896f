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

"""gpubroker's configuration: API, worker and the agent of each host."""

import pathlib

from sandbox import hardware
from sandbox import simulated_hosts
from sandbox.config import settings as s

THREADS = 8


def main_file(settings: s.Settings) -> pathlib.Path:
    """What API, worker and gpubroker-manage read."""
    return settings.layout.config / "gpubroker" / "gpubroker.conf"


def agent_files(settings: s.Settings, host: str) -> list[pathlib.Path]:
    """What a host's agent reads: who it is, and where it looks.

    The first is what ``openstack gpu host enroll`` wrote; the second comes
    after it because Keystone's port may be another one today.
    """
    folder = settings.layout.config / "gpubroker"
    return [identity_file(settings, host), folder / f"agent-{host}.conf"]


def identity_file(settings: s.Settings, host: str) -> pathlib.Path:
    """In ``data``: a snapshot of the databases is worth nothing without."""
    return settings.layout.data / "hosts" / host / "agent-identity.conf"


def write(settings: s.Settings) -> None:
    s.write(settings, "gpubroker", "gpubroker.conf", _main(settings))
    for host in hardware.HOSTS:
        s.write(
            settings,
            "gpubroker",
            f"agent-{host.name}.conf",
            _agent(settings, host.name),
        )
    s.write_web_server(
        settings,
        "gpubroker",
        "gpubroker.wsgi.api:application",
        THREADS,
        # As gunicorn has by default: it makes servers with tokens that would
        # be lost with the process.
        grace=30,
    )


#: A person waits for what happens: look around more often than a cloud of a
#: thousand hosts would want.
_WORKER: s.Section = {
    "plan_interval": 2,
    "lease_interval": 1,
    "check_interval": 5,
    "reconcile_interval": 10,
    "retry_delay": 2,
    # More than update_resources_interval of this Nova.
    "suspect_seconds": 10,
    "sweep_interval": 10,
    "order_seconds": 30,
    # No load balancer stands before this Nova.
    "post_doubt_seconds": 20,
}


def _main(settings: s.Settings) -> str:
    return s.ini(
        {
            # With debug where it is tested that nothing secret is logged.
            "DEFAULT": {
                "transport_url": settings.transport,
                **_logging(settings),
            },
            "database": {"connection": settings.database("gpubroker")},
            # In ``data``: what is encrypted there needs the same keys.
            "encryption": {
                "key_repository": str(settings.layout.data / "gpubroker-keys")
            },
            "keystone_authtoken": {
                **settings.token_checks("gpubroker"),
                **_way(settings),
            },
            "service_user": {
                **settings.credentials("gpubroker"),
                **_way(settings),
            },
            "metrics": _metrics(settings),
            # Any answer that does not fit its schema is a fault to see here.
            "api": {"response_validation": "error", "report_interval": 10},
            "worker": _WORKER,
        }
    )


def _metrics(settings: s.Settings) -> s.Section:
    return {
        "enabled": True,
        "api_port": settings.ports.api_metrics,
        "worker_port": settings.ports.worker_metrics,
        "census_interval": 2,
    }


def _logging(settings: s.Settings) -> dict[str, s.Value]:
    if not settings.faults:
        return {}
    return {
        "debug": True,
        # Those that oslo.log keeps quiet although they speak of requests.
        "default_log_levels": "keystoneauth=DEBUG,keystonemiddleware=DEBUG,"
        "amqp=WARN,oslo.messaging=INFO,oslo_messaging=INFO,sqlalchemy=WARN",
    }


def _way(settings: s.Settings) -> dict[str, s.Value]:
    return {
        "auth_url": settings.broker_url("keystone", "/v3"),
        "interface": "admin",
    }


def _agents_way(settings: s.Settings) -> dict[str, s.Value]:
    """Without faults the catalogue tells it, as everywhere."""
    if not settings.faults:
        return {}
    return {"api_endpoint": settings.broker_url("gpubroker")}


def _agent(settings: s.Settings, host: str) -> str:
    return s.ini(
        {
            "DEFAULT": _logging(settings),
            "agent": {
                "host": host,
                "interval": 10,
                "nvml_interval": 60,
                "state_path": str(settings.layout.host(host) / "agent"),
                **_agents_way(settings),
                **simulated_hosts.of(settings.layout, host).agent_options(),
            },
            "agent_auth": {"auth_url": settings.auth_url},
        }
    )
