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

"""Placement: whether it is new enough, writable, and gives out once."""

from __future__ import annotations

from collections.abc import Callable, Collection

from gpubroker.domain import hosts
from gpubroker.services import names
from gpubroker.services import ports
from gpubroker.services.checks import finding as f
from gpubroker.services.checks import outside
from gpubroker.services.checks.mistakes import Mistake

#: Claims at once; no more than a session has connections.
CONSUMERS = 10
#: Nearly every race tells; with the default of ten repeats two to four
#: consumers won most of them, with one repeat never more than one (N 0.11).
RACES = 8

MEND_RETRIES = (
    "Set [placement] allocation_conflict_retry_count = 1 in the "
    "placement.conf of every Placement API and restart them."
)


def placement(standing: outside.Standing, needed: str) -> f.Findings:
    least, greatest = standing.placement_versions()
    if not number(least) <= number(needed) <= number(greatest):
        yield f.failure(
            Mistake.PLACEMENT_OLD,
            f"Placement offers {least} to {greatest}, the broker needs "
            f"{needed} (Yoga or newer). Upgrade Placement.",
        )
        return
    if not standing.placement_writable():
        yield f.failure(
            Mistake.PLACEMENT_READ_ONLY,
            "Placement does not let the broker write inventories. Give its "
            "user the role service, or open "
            "placement:resource_providers:inventories:update for it in "
            "Placement's policy.yaml.",
        )


def claims(race: Callable[[int], outside.Claims]) -> f.Findings:
    """Whether one thing is given to one consumer only.

    No API shows the option that decides it. A claim that Placement repeats
    by itself is judged by a view from before the conflict; with no repeats
    the loser is told to ask again, which is how the two are told apart.
    """
    for _ in range(RACES):
        ran = race(CONSUMERS)
        if ran.winners > 1:
            yield f.failure(
                Mistake.CLAIMS_DOUBLED,
                f"Placement gave one thing to {ran.winners} of "
                f"{CONSUMERS} consumers that claimed it at once, as it does "
                "when it repeats claims by itself: two servers can get one "
                f"card, and one can get past a fence. {MEND_RETRIES}",
            )
            return
        if ran.sent_back:
            return
    yield f.unseen(
        f"no two of {RACES} x {CONSUMERS} claims met in Placement, so that "
        "nothing tells whether it repeats claims by itself. Name its "
        f"placement.conf with --placement-conf. {MEND_RETRIES}"
    )


def installation(
    ours: str,
    every_host: Collection[hosts.Host],
    providers: Collection[ports.Provider],
) -> f.Findings:
    """Whether another installation uses hosts that this one manages.

    :param ours: the name of this one.
    :param providers: those of tickets, of all installations.
    """
    managed = {
        host.provider_id: host.name
        for host in every_host
        if host.mode is hosts.Mode.MANAGE
    }
    strange = {
        provider.name
        for provider in providers
        if provider.root_id in managed
        and provider.name != names.provider(ours, managed[provider.root_id])
    }
    if strange:
        yield f.warning(
            Mistake.INSTALLATION_STRANGE,
            f"This is installation {ours}, and {f.words(strange)} in "
            "Placement is another one's, on a host that this one manages. "
            "Set the host to observe in one of them: each takes the other's "
            "fences for a stranger's. If the other one is gone, or is this "
            'one before its database was made anew, see "Several '
            'installations" in the operator guide.',
        )
    yield f.fact(f"This is installation {ours}.")


def memory(lost: str | None) -> f.Findings:
    """:param lost: in words, what the database has forgotten."""
    if lost is not None:
        yield f.failure(Mistake.MEMORY_LOST, lost)


def number(version: str) -> tuple[int, int]:
    """
    >>> number("1.39") < number("1.100")
    True
    """
    major, _, minor = version.partition(".")
    return int(major), int(minor or 0)
