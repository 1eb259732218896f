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


"""Rules of leases; the project is the lease's own, never the caller's."""

from __future__ import annotations

from gpubroker.policies import base

_LEASES = "/v1/leases"
_LEASE = f"{_LEASES}/{{lease_id}}"

RULES = [
    base.rule(
        "lease",
        "list",
        base.READER,
        "List the leases of the own project.",
        (("GET", _LEASES),),
    ),
    base.rule(
        "lease",
        "list:all_projects",
        base.ADMIN,
        "List the leases of other projects.",
        (("GET", _LEASES),),
    ),
    base.rule(
        "lease",
        "show",
        base.READER,
        "Show a lease.",
        (("GET", _LEASE),),
    ),
    base.rule(
        "lease",
        "show:detail",
        base.ADMIN,
        "See hosts and devices of a lease and the details of its events. "
        "Part of list, show and event:list.",
        (
            ("GET", _LEASES),
            ("GET", _LEASE),
            ("GET", f"{_LEASE}/events"),
        ),
    ),
    base.rule(
        "lease",
        "create",
        base.MEMBER,
        "Order GPUs.",
        (("POST", _LEASES),),
    ),
    base.rule(
        "lease",
        "adopt",
        base.ADMIN,
        "Make a running server of any project a lease.",
        (("POST", "/v1/adoptions"),),
    ),
    base.rule(
        "lease",
        "update",
        base.OWNER,
        "Rename a lease.",
        (("PATCH", _LEASE),),
    ),
    base.rule(
        "lease",
        "extend",
        base.OWNER,
        "Let a lease end later.",
        (("POST", f"{_LEASE}/extensions"),),
    ),
    base.rule(
        "lease",
        "delete",
        base.OWNER,
        "End a lease.",
        (("DELETE", _LEASE),),
    ),
    base.rule(
        "lease",
        "event:list",
        base.READER,
        "List the history of a lease.",
        (("GET", f"{_LEASE}/events"),),
    ),
]
