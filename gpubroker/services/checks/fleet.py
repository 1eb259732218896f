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

"""Workers and agents: whether anybody is at work."""

from __future__ import annotations

import datetime
from collections.abc import Collection

from gpubroker.domain import hosts
from gpubroker.services.checks import finding as f
from gpubroker.services.checks.mistakes import Mistake


def workers(running: int) -> f.Findings:
    if not running:
        yield f.warning(
            Mistake.WORKERS_NONE,
            "No worker runs: nothing starts, ends or expires, and no sick "
            "card is fenced. Start gpubroker-worker, and if it runs, look "
            "at its log.",
        )
    else:
        yield f.fact(f"{running} at work.")


def agents(
    managed: Collection[hosts.Host],
    now: datetime.datetime,
    timeout: float,
    release: str,
) -> f.Findings:
    """
    :param timeout: seconds without a report.
    :param release: of this code.
    """
    enrolled = [host for host in managed if host.agent_user_id]
    heard = [host for host in enrolled if host.heartbeat_at]
    yield from _absent(managed, enrolled, heard)
    silent = {h.name for h in heard if h.silent(now, timeout)}
    if silent:
        yield f.warning(
            Mistake.AGENT_SILENT,
            f"The agent of {f.words(silent)} has not reported for more than "
            f"{timeout:g} s, so that nobody sees a card fail there. Run "
            '"gpubroker-agent --once" on the host; it says at once what is '
            "wrong.",
        )
    ours = _release(release)
    other = {
        host.name
        for host in heard
        if host.agent_version and _release(host.agent_version) != ours
    }
    if other:
        yield f.warning(
            Mistake.AGENT_VERSION,
            f"The agent of {f.words(other)} is not of this release "
            f"({ours}). Install that on the host and restart "
            "gpubroker-agent.",
        )
    yield f.fact(f"{len(heard)} report.")


def _release(version: str) -> str:
    """What is built between two releases counts as the one to come.

    >>> _release("2.1.0.dev7")
    '2.1.0'
    """
    return version.partition(".dev")[0]


def _absent(
    managed: Collection[hosts.Host],
    enrolled: Collection[hosts.Host],
    heard: Collection[hosts.Host],
) -> f.Findings:
    none = {host.name for host in managed} - {h.name for h in enrolled}
    if none:
        yield f.warning(
            Mistake.AGENT_NONE,
            f"No agent is enrolled for {f.words(none)}, so that nobody sees "
            'a card fail there. Run "openstack gpu host enroll HOST" and '
            "install gpubroker-agent on the host.",
        )
    unheard = {host.name for host in enrolled} - {h.name for h in heard}
    if unheard:
        yield f.warning(
            Mistake.AGENT_UNHEARD,
            f"The agent of {f.words(unheard)} is enrolled and has never "
            "reported. Start gpubroker-agent on the host; with --once it "
            "says at once what is wrong.",
        )
