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

"""A Nova that hides the servers of others from the broker.

Its policy file has lost the broker's role: every server is "not found".
"""

from __future__ import annotations

import contextlib

from sandbox.faults import service as faults
from tests.cloud import base
from tests.cloud import planting

FLAVOR = "vm.gpu.l40s.1"


class Blind(base.CloudTest):
    def setUp(self) -> None:
        super().setUp()
        self.faults = faults.connect(self.cloud.settings)

    def blind(self) -> contextlib.AbstractContextManager[None]:
        """Nova reads it anew at each request."""
        return planting.text(
            self.cloud.layout.config / "nova" / "policy.yaml",
            lambda before: before.replace(" or role:gpubroker", ""),
        )

    def refused(self) -> int:
        """How often Nova refused the broker the list of all servers."""
        return sum(
            entry["kind"] == "nova GET /v2.1/servers"
            and entry["status"] == 403
            for entry in self.faults.journal()
        )

    def test_what_it_hides_is_not_taken_for_gone(self) -> None:
        """A shelved server holds nothing in Placement, so that Nova alone
        can tell that it is there."""
        lease = self.active(FLAVOR)
        server = lease.servers[0]["id"]
        self.member.compute.shelve_server(server)

        def why() -> str:
            return str(self.gpus.get_lease(lease.id).reason)

        self.eventually("it is told", lambda: "shelved" in why())
        self.faults.forget()
        with self.blind():
            self.eventually("looked at twice", lambda: self.refused() > 1)
            self.assertEqual("active", self.gpus.get_lease(lease.id).state)
            self.gpus.delete_lease(lease.id)
            self.eventually(
                "it says so", lambda: "operators have to mend" in why()
            )
            self.assertEqual([server], self.servers())
            self.assertEqual("ending", self.gpus.get_lease(lease.id).state)
        self.wait(lease, "ended")
        self.assertEqual([], self.servers())
        base.assert_clean(base.audit(self.cloud))
