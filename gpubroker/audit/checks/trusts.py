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

"""Whether the broker holds rights of users just as long as it needs them.

The API tells no trust's id, so they are counted: a lease that waits or
starts has one, one that ends may still have it, and no other has. Nothing in
a trust says which installation asked for it: where there is another one, which
may have the same user in Keystone, none is left over for sure.
"""

from __future__ import annotations

from collections.abc import Iterator

from gpubroker.audit import findings
from gpubroker.audit.checks.others import installations
from gpubroker.audit.checks.view import View
from gpubroker.audit.checks.view import listed
from gpubroker.audit.findings import Finding
from gpubroker.audit.snapshot import Lease

_NEED = frozenset({"queued", "starting"})
_MAY = _NEED | {"ending"}

Key = tuple[str, str]


def check(view: View) -> Iterator[Finding]:
    trusts: dict[Key, list[str]] = {}
    for trust in view.seen.trusts:
        key = trust.user_id, trust.project_id
        trusts.setdefault(key, []).append(trust.id)
    leases: dict[Key, list[Lease]] = {}
    for lease in view.seen.leases:
        if lease.state in _MAY and lease.identity_mode == "trust":
            key = lease.user_id, lease.project_id
            leases.setdefault(key, []).append(lease)
    others = installations(view)
    more = 0
    for key in sorted({*trusts, *leases}):
        ids, may = trusts.get(key, []), leases.get(key, [])
        need = [lease for lease in may if lease.state in _NEED]
        if len(ids) > len(may) and others:
            more += len(ids) - len(may)
        elif len(ids) > len(may):
            yield _left(key, ids, len(may))
        elif len(ids) < len(need):
            yield _missing(key, need, len(ids))
    if more:
        yield findings.note(
            "trusts-other",
            tuple(sorted(others)),
            f"The broker's user holds {more} trusts that no lease here needs: "
            f"they may be of installation {listed(others)}.",
        )


def _left(key: Key, ids: list[str], needed: int) -> Finding:
    of = f" ({needed} of them are in use)" if needed else ""
    return findings.error(
        "trust-left",
        tuple(sorted(ids)),
        f"The broker still holds rights of user {key[0]} in project {key[1]} "
        f"that no lease needs any more: trust {listed(ids)}{of}.",
        "The broker can not give them back while the user or the project is "
        "disabled or the role is gone. "
        + (
            "Look again when no lease of theirs waits, starts or ends."
            if needed
            else f"openstack trust delete {' '.join(sorted(ids))}"
        ),
    )


def _missing(key: Key, wanting: list[Lease], there: int) -> Finding:
    names = listed(f"{lease.name} ({lease.id})" for lease in wanting)
    return findings.error(
        "trust-missing",
        tuple(sorted(lease.id for lease in wanting)),
        f"{len(wanting)} leases of user {key[0]} in project {key[1]} wait or "
        f"start, and Keystone has {there} trusts for them: {names}.",
        "Somebody removed a trust. The lease fails when its turn comes; its "
        "user has to order again.",
        findings.latest(*(lease.requested_at for lease in wanting)),
    )
