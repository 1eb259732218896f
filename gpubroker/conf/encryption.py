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

"""Options of the encryption of what is secret in the database."""

from __future__ import annotations

from oslo_config import cfg

GROUP = "encryption"

OPTS: tuple[cfg.Opt, ...] = (
    cfg.StrOpt(
        "key_repository",
        default="/etc/gpubroker/keys",
        help="""
Folder of the keys with which the user data of waiting leases is encrypted in
the database. ``gpubroker-manage keys create`` makes it. Every API process and
every worker needs the same keys, so copy the folder to all of their machines.
It is read at each use: new keys need no restart. Neither the folder may be
written nor a key be read by others than its owner and group.
""",
    ),
)


def register(conf: cfg.ConfigOpts) -> None:
    conf.register_opts(OPTS, group=GROUP)
