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

"""Options of the database: oslo.db's own, with defaults of gpubroker."""

from __future__ import annotations

from oslo_config import cfg
from oslo_db import options

GROUP = "database"

#: None of our own; oslo.db lists its options for the sample itself.
OPTS: list[cfg.Opt] = []

#: Good for one process and for trying things; see the install guide.
CONNECTION = "sqlite:////var/lib/gpubroker/gpubroker.sqlite"


def register(conf: cfg.ConfigOpts) -> None:
    options.set_defaults(conf, connection=CONNECTION)
    # oslo.db would wait 100 seconds for a database that is down, the first
    # caller with it. Here the API answers 503 at once, and loops try again.
    conf.set_default("max_retries", 0, group=GROUP)
