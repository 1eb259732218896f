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

"""Options of what Prometheus may read of API and worker."""

from __future__ import annotations

from oslo_config import cfg

GROUP = "metrics"

OPTS: tuple[cfg.Opt, ...] = (
    cfg.BoolOpt(
        "enabled",
        default=False,
        help="""
Whether API and worker listen for Prometheus. The processes of an API add up
what they count in the folder that the environment variable
PROMETHEUS_MULTIPROC_DIR names; without it the API does not listen.
""",
    ),
    cfg.HostAddressOpt(
        "bind_host",
        default="127.0.0.1",
        help="""
Address to listen on. Whoever reaches it may read the metrics, without a token:
names of hosts, pools and models, and numbers; nothing of projects or leases.
""",
    ),
    cfg.PortOpt(
        "api_port",
        default=9877,
        min=1,
        help="""
Port of the API's metrics. All its processes listen on it, and any of them
answers for all.
""",
    ),
    cfg.PortOpt(
        "worker_port",
        default=9878,
        min=1,
        help="""
Port of the metrics of the first worker process of this machine. The second one
listens on the next port, and so on: each is a target of its own.
""",
    ),
    cfg.FloatOpt(
        "census_interval",
        default=15.0,
        min=1.0,
        help="""
Seconds between two counts of devices, leases, hosts and pools, by each worker:
six SQL statements, however many there are. Nothing is counted when Prometheus
asks; it gets the last count.
""",
    ),
)


def register(conf: cfg.ConfigOpts) -> None:
    conf.register_opts(OPTS, group=GROUP)
