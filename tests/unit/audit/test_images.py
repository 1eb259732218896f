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

"""The image of a lease that waits has to be there when its turn comes."""

from __future__ import annotations

from gpubroker.audit import snapshot
from tests.unit.audit import base


class Images(base.AuditTest):
    def image(self, **changes):
        """Of the leases that wait and that start."""
        made = {
            "id": "i1",
            "status": "active",
            "visibility": "private",
            "owner": "p1",
            **changes,
        }
        self.small.images = {"i1": snapshot.Image(**made)}
        for lease in ("wait", "go"):
            self.small.change("leases", lease, image="i1")

    def wrong(self, *words):
        found = self.small.look()
        self.assertEqual(["lease-image-gone"] * 2, [f.code for f in found])
        for finding in found:
            self.assertEqual(base.WARNING, finding.severity)
            for word in ("i1", *words):
                self.assertIn(word, finding.sentence)

    def test_one_of_the_own_project(self):
        self.image()
        self.finds_nothing()

    def test_one_that_is_gone(self):
        self.image()
        self.small.images = {"i1": None}
        self.wrong("is gone")

    def test_one_that_is_not_active(self):
        self.image(status="deactivated")
        self.wrong("deactivated")

    def test_one_that_another_project_keeps_for_itself_now(self):
        for visibility in ("private", "shared"):
            self.image(visibility=visibility, owner="p2")
            self.wrong("project p1")

    def test_one_that_anybody_may_see(self):
        for visibility in ("public", "community"):
            self.image(visibility=visibility, owner="p2")
            self.finds_nothing()

    def test_one_that_is_shared_with_the_project(self):
        self.image(visibility="shared", owner="p2", members=("p3", "p1"))
        self.finds_nothing()

    def test_one_of_nobody_is_everybodys(self):
        self.image(owner=None)
        self.finds_nothing()

    def test_a_server_that_is_made_needs_it_no_more(self):
        self.image()
        self.small.images = {"i1": None}
        self.small.node("go", server_id="go")
        self.small.servers["go"] = self.small.server("go", project_id="p1")
        self.small.change("leases", "run", image="i1")
        self.finds("lease-image-gone", "lease-wait", severity=base.WARNING)

    def test_one_that_was_not_read(self):
        self.image()
        self.small.images = {}
        self.small.images_unread = "Glance: answers with 503"
        found = self.finds(
            "images-unread", "Glance: answers with 503", severity=base.WARNING
        )
        self.assertTrue(found.incomplete)
