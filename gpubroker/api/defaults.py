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


"""What the API wants otherwise than the libraries' own defaults.

Set on one configuration where the API is put together, and on the libraries
themselves for the sample file alone.
"""

from __future__ import annotations

from typing import Any

from oslo_config import cfg
from oslo_middleware import cors
from oslo_middleware import sizelimit

#: The largest body we accept: a report of 64 cards and 100 observations, or
#: 64 KiB of user data, with room to spare.
MAX_BODY = 1024 * 1024 + 64 * 1024

_OWN = ["OpenStack-API-Version", "X-OpenStack-Request-ID"]

_CORS: dict[str, Any] = {
    "allow_headers": ["X-Auth-Token", "Content-Type", "If-Match", *_OWN],
    "expose_headers": ["ETag", "Location", "Vary", *_OWN],
    "allow_methods": ["GET", "HEAD", "PUT", "POST", "DELETE", "PATCH"],
}


def apply(conf: cfg.ConfigOpts) -> None:
    """Set them on ``conf``, which an operator's file still overrides."""
    conf.register_opts(sizelimit.OPTS, "oslo_middleware")
    conf.set_default("max_request_body_size", MAX_BODY, "oslo_middleware")
    conf.register_opts(cors.OPTS, "cors")
    for name, value in _CORS.items():
        conf.set_default(name, value, "cors")


def for_samples() -> None:
    """For oslo-config-generator, so that the sample says what holds."""
    cfg.set_defaults(sizelimit.OPTS, max_request_body_size=MAX_BODY)
    cors.set_defaults(**_CORS)
