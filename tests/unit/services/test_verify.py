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

"""When a server is proven to be the only one on its card."""

from __future__ import annotations

import testtools

from gpubroker.domain import devices
from gpubroker.services import verify

OURS, OTHER = "our-server", "another-server"


def card(generation, *consumers):
    return devices.Device(
        id="d",
        host="h",
        pci_address="0000:07:00.0",
        provider_id="p",
        provider_generation=generation,
        consumers=consumers,
    )


class AloneSince(testtools.TestCase):
    def proven(self, row, generation):
        return verify.alone_since(row, OURS, generation)

    def test_one_came_to_a_card_that_nobody_held(self):
        self.assertTrue(self.proven(card(7), 8))

    def test_nobody_came_since_it_was_seen_alone(self):
        self.assertTrue(self.proven(card(8, OURS), 8))

    def test_two_may_have_come(self):
        self.assertFalse(self.proven(card(7), 9))
        self.assertFalse(self.proven(card(8, OURS), 9))

    def test_somebody_was_there_before(self):
        self.assertFalse(self.proven(card(7, OTHER), 8))
        self.assertFalse(self.proven(card(8, OTHER, OURS), 8))

    def test_a_card_that_moved_back_was_made_anew(self):
        self.assertFalse(self.proven(card(7), 1))
        self.assertFalse(self.proven(card(7), 7))

    def test_what_is_not_known_proves_nothing(self):
        self.assertFalse(self.proven(card(None), 1))
        self.assertFalse(self.proven(card(7), None))
