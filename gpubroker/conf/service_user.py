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

"""[service_user]: the broker's own identity in Keystone."""

from __future__ import annotations

from keystoneauth1 import loading
from oslo_config import cfg

GROUP = "service_user"

OWN = [
    cfg.StrOpt(
        "region_name",
        help="Region whose endpoints are used; none takes the only one.",
    ),
    cfg.ListOpt(
        "interface",
        default=["internal", "public"],
        help="Interfaces of the catalogue's endpoints, most wanted first.",
    ),
    cfg.FloatOpt(
        "connect_timeout",
        default=5.0,
        min=0.1,
        help="Seconds to wait for a connection to an OpenStack service.",
    ),
    cfg.ListOpt(
        "trust_roles",
        default=["member"],
        help="Roles that a lease's trust delegates, where the user holds "
        "them. They are what Nova, Neutron and Glance ask of a plain user "
        "who makes a server; never name admin here.",
    ),
    cfg.IntOpt(
        "trust_days",
        default=400,
        min=1,
        help="Days until a trust that the broker did not delete itself ends. "
        "Must be longer than the longest wait in the queue. The broker "
        "deletes a trust as soon as its lease is active or over.",
    ),
]

_SESSION = loading.get_session_conf_options()
# keystoneauth waits for ever by default; the broker's loops must not.
cfg.set_defaults(_SESSION, timeout=30.0)

#: What the sample configuration shows; any other auth_type of keystoneauth
#: that can be scoped by a trust works, too.
OPTS = [
    *OWN,
    *_SESSION,
    *loading.get_auth_common_conf_options(),
    *loading.get_auth_plugin_conf_options("v3password"),
]


def register(conf: cfg.ConfigOpts) -> None:
    conf.register_opts(OWN, group=GROUP)
    conf.register_opts(_SESSION, group=GROUP)
    loading.register_auth_conf_options(conf, GROUP)
