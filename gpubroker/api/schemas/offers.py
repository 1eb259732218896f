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


"""Answers and queries of offers."""

from __future__ import annotations

from gpubroker.api.schemas import types
from gpubroker.domain import reasons

_CARDS = types.whole(
    {
        "total": types.integer(0),
        "free": types.integer(0),
        "in_use": types.integer(0),
        "fenced": types.integer(0),
    }
)

_BLOCKED = types.whole(
    {
        "reason": types.one_of(*reasons.Why),
        "gpus": types.integer(0),
        "detail": types.text(4096),
    }
)

_HOST = types.whole(
    {
        "host": types.HOST_NAME,
        "free": types.integer(0),
        "addresses": types.many(types.PCI_ADDRESS),
    }
)

_SEEN: dict[str, types.Schema] = {
    "flavor": types.nullable(types.NAME),
    "models": types.many(types.NAME),
    "gpus": types.integer(1),
    "available": types.integer(0),
    "queued": types.integer(0),
    "cards": _CARDS,
    "blocked": types.many(_BLOCKED),
    "pools": types.many(types.NAME),
    "hosts": types.many(_HOST),
}

#: ``hosts`` is there for operators only.
_OFFER = types.closed(_SEEN, tuple(n for n in _SEEN if n != "hosts"))

LIST = types.whole({"offers": types.many(_OFFER)})

QUERY = types.closed(
    {
        "flavor": types.NAME,
        "model": types.NAME,
        "gpus": types.integer(1, 64),
    }
)
