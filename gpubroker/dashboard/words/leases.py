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
"""Where a lease stands, in the person's language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.utils.translation import ngettext
from django.utils.translation import pgettext_lazy

from gpubroker.client.sdk import lease as lease_sdk

#: What Horizon shows for the states of the API.
STATES = {
    "queued": pgettext_lazy("state of a GPU lease", "In the queue"),
    "starting": pgettext_lazy("state of a GPU lease", "Starting"),
    "active": pgettext_lazy("state of a GPU lease", "Active"),
    "ending": pgettext_lazy("state of a GPU lease", "Ending"),
    "ended": pgettext_lazy("state of a GPU lease", "Ended"),
    "failed": pgettext_lazy("state of a GPU lease", "Failed"),
}

#: What is being done while a lease starts or ends.
_STEPS = {
    "ticket": gettext_lazy("Keep the place on the host"),
    "shape": gettext_lazy("Describe the server to Nova"),
    "server": gettext_lazy("Make the server"),
    "unshape": gettext_lazy("Tidy up"),
    "boot": gettext_lazy("Wait for the server"),
    "verify": gettext_lazy("Check that the GPUs are its own"),
    "key": gettext_lazy("Bring the key pair"),
}

_CAUSES = {
    "user": gettext_lazy("Somebody of the project ended it."),
    "operator": gettext_lazy("An operator of the cloud ended it."),
    "expiry": gettext_lazy("Its time was over."),
    "server_gone": gettext_lazy("Its last server was deleted."),
    "start_failed": gettext_lazy("It could not start."),
}

_EVENTS = {
    "lease.active": gettext_lazy("Active"),
    "lease.adopted": gettext_lazy("Adopted"),
    "lease.degraded": gettext_lazy("Not as promised"),
    "lease.ended": gettext_lazy("Ended"),
    "lease.ending": gettext_lazy("Ending"),
    "lease.extended": gettext_lazy("Extended"),
    "lease.failed": gettext_lazy("Failed"),
    "lease.held": gettext_lazy("Waits for rights"),
    "lease.host_away": gettext_lazy("Host away"),
    "lease.host_back": gettext_lazy("Host back"),
    "lease.ordered": gettext_lazy("Ordered"),
    "lease.recovered": gettext_lazy("Recovered"),
    "lease.renamed": gettext_lazy("Renamed"),
    "lease.requeued": gettext_lazy("Back in the queue"),
    "lease.restored": gettext_lazy("As promised again"),
    "lease.rights_back": gettext_lazy("Rights are back"),
    "lease.seen": gettext_lazy("Seen again"),
    "lease.server": gettext_lazy("Server"),
    "lease.server_left": gettext_lazy("Server left"),
    "lease.start_failed": gettext_lazy("Start failed"),
    "lease.start_refused": gettext_lazy("Start refused"),
    "lease.starting": gettext_lazy("Starting"),
    "lease.unseen": gettext_lazy("Not seen"),
    "lease.unshelve": gettext_lazy("Unshelve"),
    "lease.waiting": gettext_lazy("Waiting"),
}


def state(lease: lease_sdk.Lease) -> str:
    return str(STATES.get(lease.state, lease.state))


def place(lease: lease_sdk.Lease) -> str:
    """Its place in the queue; empty where it has none."""
    number = (lease.queue or {}).get("place")
    if not number:
        return ""
    if number == 1:
        return _("Next in the queue of pool %(pool)s") % {"pool": lease.pool}
    return _("Place %(place)d in the queue of pool %(pool)s") % {
        "place": number,
        "pool": lease.pool,
    }


def why(lease: lease_sdk.Lease) -> str:
    """The service's own sentence, where it has one; in English."""
    return str((lease.queue or {}).get("waiting_for") or lease.reason or "")


def gpus(lease: lease_sdk.Lease) -> str:
    """What it holds or waits for, such as ``2 x a100-sxm4-80gb``."""
    models = lease.model or _(" or ").join(lease.models or ())
    words = f"{lease.gpus} \N{MULTIPLICATION SIGN} {models}"
    if (lease.nodes or 1) > 1:
        words += ngettext(
            " on %(count)d server",
            " on each of %(count)d servers",
            lease.nodes,
        ) % {"count": lease.nodes}
    return words


def step(name: str) -> str:
    return str(_STEPS.get(name, name))


def now_doing(steps: Sequence[dict[str, Any]]) -> str:
    """The step that is under way; empty where none is."""
    begun = [one for one in steps if one.get("state") != "done"]
    return step(str(begun[-1].get("step"))) if begun else ""


def cause(lease: lease_sdk.Lease) -> str:
    """Why it ended; empty where it has not."""
    return str(_CAUSES.get(lease.end_cause or "", ""))


def event(kind: str) -> str:
    return str(_EVENTS.get(kind, kind.rpartition(".")[2].replace("_", " ")))
