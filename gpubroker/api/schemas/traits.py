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


"""Answers and queries of traits."""

from __future__ import annotations

from gpubroker.api.schemas import types
from gpubroker.domain import traits

_TRAIT = types.whole(
    {
        "trait": types.text(255),
        "source": types.one_of(*traits.Source),
        "host": types.HOST_NAME,
        "device_id": types.nullable(types.UUID),
    }
)

LIST = types.listing("traits", _TRAIT)

QUERY = types.page_query(
    ("trait", "host"),
    {
        "trait": types.any_of(types.TRAIT),
        "host": types.any_of(types.HOST_NAME),
        "device_id": types.any_of(types.UUID),
    },
)
