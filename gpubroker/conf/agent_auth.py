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


"""The Keystone identity of an agent: keystoneauth's own options."""

from __future__ import annotations

from keystoneauth1 import loading
from oslo_config import cfg

from gpubroker import versions

GROUP = "agent_auth"

_AUTH_TYPE = "v3applicationcredential"

_DEFAULTS = {
    "auth_type": _AUTH_TYPE,
    # Longer than any answer of a healthy API, short enough to try again
    # within the time in which a dead card has to be fenced.
    "timeout": 20,
    "service_type": versions.SERVICE_TYPE,
}


def _common() -> list[cfg.Opt]:
    options: list[cfg.Opt] = [
        *loading.get_auth_common_conf_options(),
        *loading.get_session_conf_options(),
        *loading.get_adapter_conf_options(),
    ]
    for option in options:
        if option.dest in _DEFAULTS:
            option.default = _DEFAULTS[option.dest]
    return options


_COMMON = _common()

#: With those of the usual plugin, for the sample configuration.
OPTS: list[cfg.Opt] = [
    *_COMMON,
    *loading.get_auth_plugin_conf_options(_AUTH_TYPE),
]


def register(conf: cfg.ConfigOpts) -> None:
    """The options that every plugin shares.

    keystoneauth registers those of the plugin when it loads it: some are
    required, which no command but the agent could satisfy.
    """
    conf.register_opts(_COMMON, group=GROUP)
