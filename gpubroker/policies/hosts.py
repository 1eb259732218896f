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


"""Rules of hosts."""

from __future__ import annotations

from gpubroker.policies import base

_HOST = "/v1/hosts/{name}"

RULES = [
    *base.crud("host", "hosts", "name", base.ADMIN),
    base.rule(
        "host",
        "bind_agent",
        base.ADMIN,
        "Say which Keystone user reports for a host.",
        (("PUT", f"{_HOST}/agent"), ("DELETE", f"{_HOST}/agent")),
    ),
    base.rule(
        "host",
        "drain",
        base.ADMIN,
        "Drain a host, and resume it.",
        (("PUT", f"{_HOST}/drain"), ("DELETE", f"{_HOST}/drain")),
    ),
    base.rule(
        "host",
        "config",
        base.ADMIN,
        "Show the configuration of Nova that a host needs.",
        (("GET", f"{_HOST}/config"),),
    ),
    base.rule(
        "host",
        "report",
        base.AGENT,
        "Report the cards of a host. The user must be bound to that host, "
        "too, whatever this rule says.",
        (("PUT", f"{_HOST}/report"),),
    ),
]
