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


"""Rules of pools."""

from __future__ import annotations

from gpubroker.policies import base

RULES = [
    *base.crud("pool", "pools", "name", base.READER),
    base.rule(
        "pool",
        "show:detail",
        base.ADMIN,
        "See the pools of other projects, and which projects own a pool. Part "
        "of list and show.",
        (("GET", "/v1/pools"), ("GET", "/v1/pools/{name}")),
    ),
]
