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

"""Display controllers that are no GPU, and GPUs that nobody knows yet.

On a server the agent always finds the VGA chip of the management
controller, and often finds it first.
"""

from __future__ import annotations

import testtools
import yaml

from gpubroker.api.views import hosts as view
from gpubroker.domain import models
from gpubroker.domain.fences import Reason
from gpubroker.services import config_render
from gpubroker.services import fence
from tests.fixtures import estate

BMC = "0000:03:00.0"
NEW = "0000:05:00.0"


class Case(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.estate = self.useFixture(estate.Estate())
        # Of cards that the agent sees and Nova does not manage (yet).
        self.estate.told = ["card-not-in-placement"]

    def report(self, *more):
        found = [estate.card(address) for address in estate.ADDRESSES]
        self.estate.report(estate.body(*more, *found))

    def host(self, admission="manual", **tree):
        """As an operator does it: the agent first, slot traits later."""
        tree = self.estate.tree(**{"slots": False, **tree})
        self.estate.admission(admission)
        self.estate.enrol()
        return tree

    def slots(self):
        return {
            card.pci_address: card.slot
            for card in self.estate.cards()
            if card.slot is not None
        }


class ManagementController(Case):
    def setUp(self):
        super().setUp()
        self.host(addresses=())
        self.report(
            estate.card(
                BMC,
                vendor_id="1a03",
                product_id="2000",
                subsystem_id="1a03:2000",
                class_id="030000",
                driver="ast",
            )
        )
        self.estate.pass_()

    def test_takes_no_slot(self):
        wanted = dict(zip(estate.ADDRESSES, range(4), strict=True))
        self.assertEqual(wanted, self.slots())

    def test_waits_for_nobody(self):
        self.assertEqual(set(), self.estate.reasons(BMC))
        self.assertEqual(
            {"unadmitted"}, self.estate.reasons(estate.ADDRESSES[0])
        )

    def test_is_not_counted_as_a_gpu(self):
        cards = self.estate.cards()
        self.assertEqual(5, len(cards))
        counts = view.counts(cards)
        self.assertEqual((4, 0), (counts["total"], counts["vanished"]))

    def test_is_in_no_file_for_nova(self):
        rendered = config_render.render(self.estate.core, "gpu-1")
        providers = yaml.safe_load(rendered.provider_yaml)["providers"]
        self.assertEqual(
            [
                f"gpu-1_{address.upper()}: CUSTOM_GPUBROKER_SLOT_{slot}"
                for slot, address in enumerate(estate.ADDRESSES)
            ],
            [
                f"{found['identification']['name']}: {trait}"
                for found in providers
                for trait in found["traits"]["additional"]
            ],
        )
        self.assertEqual(set(estate.ADDRESSES), set(rendered.slots))
        self.assertNotIn('"1a03"', rendered.nova_conf)


class LaterKnown(Case):
    """A GPU whose model an operator adds after it was found."""

    def report_new(self, **fields):
        self.report(estate.card(NEW, product_id="fff0", **fields))

    def add_model(self):
        with self.estate.store.write() as tx:
            tx.models.add(
                models.Model(
                    name="next",
                    family="next",
                    vendor="NVIDIA",
                    vendor_id="10de",
                    product_ids=("fff0",),
                    memory_mib=1024,
                    resource_class="CUSTOM_GPU_NEXT",
                    alias="next",
                )
            )

    def test_gets_its_slot_then_and_the_others_keep_theirs(self):
        self.host(addresses=())
        self.report_new()
        self.estate.pass_()
        before = self.slots()
        self.assertNotIn(NEW, before)
        self.add_model()
        # An unchanged report is no news: the mirror finds the model.
        self.report_new()
        self.estate.pass_()
        self.assertEqual({**before, NEW: 4}, self.slots())
        self.assertEqual("next", self.estate.card(NEW).model)

    def test_waits_to_be_admitted_then(self):
        self.host(addresses=())
        self.report_new()
        self.estate.pass_()
        self.assertEqual(set(), self.estate.reasons(NEW))
        self.add_model()
        self.estate.pass_()
        self.assertEqual({"unadmitted"}, self.estate.reasons(NEW))

    def test_waits_also_when_a_report_tells_its_model(self):
        self.host(addresses=())
        self.report_new()
        self.add_model()
        self.report_new(driver="nvidia")
        self.assertEqual({"unadmitted"}, self.estate.reasons(NEW))

    def test_waits_when_placement_counts_it(self):
        tree = self.host()
        self.report_new()
        tree.add_card(NEW)
        self.estate.pass_()
        self.assertEqual({"unadmitted"}, self.estate.reasons(NEW))
        self.assertEqual(1, tree.reserved(NEW))

    def test_is_taken_by_itself_where_the_pool_does_so(self):
        self.host(admission="automatic", addresses=())
        self.report_new()
        self.estate.pass_()
        self.add_model()
        self.estate.pass_()
        self.assertEqual(set(), self.estate.reasons(NEW))

    def test_that_was_admitted_stays_admitted(self):
        tree = self.host()
        self.add_model()
        tree.add_card(NEW)
        self.report_new()
        self.estate.pass_()
        fence.unfence(
            self.estate.core,
            self.estate.card(NEW).id,
            Reason.UNADMITTED,
            "olga",
        )
        tree.remove_card(NEW)
        self.estate.pass_()
        tree.add_card(NEW)
        self.report_new(driver="nvidia")
        self.estate.pass_()
        self.assertEqual(set(), self.estate.reasons(NEW))
