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

"""The map of all cards."""

from __future__ import annotations

import dataclasses
import re

from gpubroker.domain import devices
from gpubroker.domain import hosts
from gpubroker.domain import pools
from tests.fixtures import api as test_api
from tests.functional.dashboard import operating


class MapTest(operating.TestCase):
    def squares(self, text: str) -> list[str]:
        """The state of each in its order, and not those of the legend."""
        table = text.partition("<table")[2].partition("</table>")[0]
        return re.findall(r"gpu-shape gpu-card-(\w+)", table)

    def test_a_card_in_each_state_has_its_square(self) -> None:
        lease = self.world.order("train")
        self.world.settle(lease.id, "active")
        cards = self.cards()
        leased = [card.slot for card in cards if card.claimed_by]
        others = [card for card in cards if not card.claimed_by]
        self.hold(others[0], "operator", detail="fan is loud")
        self.hold(others[1], "health", detail="XID 79")
        self.change(others[2], state=devices.State.VANISHED)
        self.change(others[3], model=None)
        with self.world.store.write() as tx:
            tx.devices.mirror(
                dataclasses.replace(
                    tx.devices.get(others[4].id),
                    consumers=("6b1f0a51-0000-4000-8000-000000000001",),
                )
            )
        wanted = dict.fromkeys(leased, "leased")
        for card, state in zip(
            others,
            ("fenced", "sick", "vanished", "unknown", "used_outside", "free"),
            strict=True,
        ):
            wanted[card.slot] = state
        text = self.text()
        self.assertEqual(
            [wanted[slot] for slot in range(8)], self.squares(text)
        )
        self.assertIn("8 cards in the pool default", text)
        self.assertIn("2 leased", text)
        for state in ("free", "used outside", "fenced", "sick", "vanished"):
            self.assertIn(f"1 {state}", text)

    def test_a_square_says_in_words_what_it_shows(self) -> None:
        card = self.cards()[3]
        self.hold(card, "operator", detail="fan is loud")
        words = (
            f"Slot 3, {card.pci_address}, {card.model}, "
            "Fenced (Operator: fan is loud)"
        )
        self.assertIn(
            f'href="{operating.INDEX}{card.id}/" title="{words}" '
            f'aria-label="{words}"',
            self.text(),
        )

    def test_blocks_and_numa_nodes_can_be_seen(self) -> None:
        text = self.text()
        self.assertEqual(
            ["0", "1"], re.findall(r'aria-label="NUMA node (\d)"', text)
        )
        self.assertIn(">NUMA node 1</span>", text)
        self.assertIn("<td><div>8 \u00d7 a100-sxm4-80gb</div></td>", text)
        # Two fours, of two pairs each; the whole board is the row.
        self.assertEqual(6, text.count('class="gpu-block"'))

    def test_who_uses_a_card_that_is_kept_back_is_told(self) -> None:
        lease = self.world.order("train")
        self.world.settle(lease.id, "active")
        (card, *_rest) = [c for c in self.cards() if c.claimed_by]
        self.hold(card, "drain", detail="new firmware")
        text = self.text()
        self.assertIn("1 below still in use", text)
        self.assertIn(
            "Fenced (Drain of its host: new firmware), "
            f"lease {lease.id} has it",
            text,
        )

    def test_a_chip_that_is_no_gpu_is_no_card(self) -> None:
        with self.world.store.write() as tx:
            tx.devices.add(
                devices.Device(
                    id="6b1f0a51-0000-4000-8000-00000000000a",
                    host="gpu-1",
                    pci_address="0000:c4:00.0",
                    vendor_id="1a03",
                    product_id="2000",
                )
            )
        self.assertIn("8 cards in the pool default", self.text())

    def test_a_card_that_moved_on_leaves_its_place_to_the_next(self) -> None:
        self.before(self.cards()[0])
        text = self.text()
        self.assertEqual(["free"] * 8, self.squares(text))

    def test_the_whole_pool_is_counted_and_leads_to_its_hosts(self) -> None:
        for number in range(2, 9):
            self.add_host(f"gpu-{number:02}")
        self.hold(self.cards()[0], "health", detail="XID 79")
        self.hold(self.cards()[1], "operator")
        text = self.text(after="gpu-04")
        self.assertIn('<a href="?pool=default&state=sick">1 sick</a>', text)
        self.assertIn("0 vanished</li>", text)
        self.assertEqual(["gpu-1"], self.hosts(self.text(state="sick")))
        text = self.text(state="wrong")
        self.assertEqual(["gpu-1"], self.hosts(text))
        self.assertIn("Only hosts with such a card are shown.", text)
        self.assertIn('<a href="?pool=default">All hosts</a>', text)
        wrong = "state=fenced&state=sick&state=vanished&state=unknown"
        self.assertIn(f'href="?pool=default&{wrong}"', self.text())
        text = self.text(state="vanished")
        self.assertIn("There is no such host.", text)
        self.assertIn("8 cards in the pool", text)

    def test_pages_keep_what_was_asked_for(self) -> None:
        for number in range(2, 9):
            self.add_host(f"gpu-{number:02}")
            self.add_card(f"gpu-{number:02}")
        text = self.text(state="unknown")
        self.assertEqual(5, len(self.hosts(text)))
        self.assertIn("?pool=default&state=unknown&after=", text)

    def test_free_cards_of_hosts_that_give_none_out_are_told(self) -> None:
        self.assertNotIn("of the free cards", self.text())
        self.world.compute_goes_down("gpu-1")
        self.assertIn("8 of the free cards are on hosts", self.text())

    def test_hosts_come_by_pages_there_and_back(self) -> None:
        for number in range(2, 13):
            self.add_host(f"gpu-{number:02}")
        pages, query = [], {}
        while query is not None:
            text = self.text(**query)
            pages.append(self.hosts(text))
            after = re.search(r"&after=([\w-]+)", text)
            query = {"after": after[1]} if after else None
        self.assertEqual([5, 5, 2], [len(page) for page in pages])
        names = [name for page in pages for name in page]
        self.assertEqual(sorted(names), names)
        back = re.search(r"&before=([\w-]+)", text)
        assert back is not None
        text = self.text(before=back[1])
        self.assertEqual(pages[1], self.hosts(text))
        self.assertIn("&after=", text)

    def test_a_pool_has_a_page_of_its_own(self) -> None:
        with self.world.store.write() as tx:
            tx.pools.add(pools.Pool(name="alpha"))
        self.add_host("lab-1", "alpha")
        self.assertEqual(["gpu-1"], self.hosts(self.text()))
        text = self.text(pool="alpha")
        self.assertEqual(["lab-1"], self.hosts(text))
        self.assertIn('<option value="alpha" selected>', text)
        self.assertEqual(["gpu-1"], self.hosts(self.text(pool="no such")))

    def test_what_keeps_a_host_back_is_told(self) -> None:
        self.world.compute_goes_down("gpu-1")
        with self.world.store.write() as tx:
            tx.hosts.update(
                dataclasses.replace(
                    tx.hosts.get("gpu-1"),
                    drain=hosts.Drain(
                        at=self.world.clock.now(), detail="new firmware"
                    ),
                )
            )
        text = self.text()
        self.assertIn("<strong>Down</strong>", text)
        self.assertIn("Managed", text)
        self.assertIn("UTC: new firmware", text)
        self.assertIn("None of them is given out", text)


class SearchTest(operating.TestCase):
    def found(self, text: str) -> str:
        answer = self.client.get(operating.INDEX, {"card": text})
        return answer["location"] if answer.status_code == 302 else ""

    def test_a_card_is_found_by_what_people_have_at_hand(self) -> None:
        card = self.cards()[2]
        self.change(card, serial="1320222040011", uuid="GPU-4711")
        for text in (
            card.id,
            "1320222040011",
            " GPU-4711 ",
            f"gpu-1/{card.pci_address}",
        ):
            self.assertEqual(
                f"{operating.INDEX}{card.id}/", self.found(text), text
            )

    def test_a_host_is_found_by_its_name(self) -> None:
        self.add_host("gpu-2")
        self.assertEqual(
            f"{operating.INDEX}?pool=default&host=gpu-2", self.found("gpu-2")
        )
        text = self.text(pool="default", host="gpu-2")
        self.assertEqual(["gpu-2"], self.hosts(text))
        self.assertIn("Only this host is shown.", text)

    def test_that_there_is_none_is_said(self) -> None:
        text = self.text(card="nothing", pool="default")
        self.assertIn("There is no card “nothing”", text)
        self.assertIn('value="nothing"', text)
        self.assertEqual(["gpu-1"], self.hosts(text))

    def test_of_several_one_chooses(self) -> None:
        """At one address two cards were, and none is."""
        card = self.cards()[0]
        self.change(card, state=devices.State.VANISHED)
        self.before(card)
        place = f"gpu-1/{card.pci_address}"
        text = self.text(card=place)
        self.assertIn(f"2 cards are “{place}”", text)
        for found in (card.id, operating.BEFORE):
            self.assertIn(f'<a href="{operating.INDEX}{found}/">gpu-1: ', text)

    def test_bad_input_is_told_in_the_words_of_the_service(self) -> None:
        text = self.text(card="gpu 1/nowhere")
        self.assertIn('role="alert"', text)
        self.assertIn("has-error", text)
        self.assertEqual(["gpu-1"], self.hosts(text))


class RightsTest(operating.TestCase):
    def test_who_is_no_operator_sees_nothing(self) -> None:
        card = self.cards()[0]
        for who in (test_api.MEMBER, test_api.MANAGER, test_api.READER):
            client = self.sign_in(who)
            for path in ("", f"{card.id}/", f"{card.id}/fence/"):
                answer = client.get(operating.INDEX + path)
                self.assertEqual(403, answer.status_code, path)
                self.assertNotIn(card.pci_address, answer.content.decode())
            self.assertPanel(False, client, operating.INDEX)
        self.assertPanel(True, self.client, operating.INDEX)
        for path in ("", f"{card.id}/", f"{card.id}/fence/"):
            text = self.client.get(operating.INDEX + path).content.decode()
            self.assertIn(card.pci_address, text, path)

    def test_no_panel_where_the_catalogue_has_no_broker(self) -> None:
        client = self.sign_in(test_api.ADMIN, broker="")
        self.assertPanel(False, client, operating.INDEX)

    def test_a_service_that_is_away_is_told_on_the_page(self) -> None:
        client = self.sign_in(test_api.ADMIN, broker="http://127.0.0.1:9")
        answer = client.get(operating.INDEX, {"card": "1320222040011"})
        self.assertEqual(200, answer.status_code)
        text = answer.content.decode()
        self.assertIn("The fleet could not be read.", text)
        self.assertIn("The GPU service does not answer.", text)
        self.assertNotIn("There is no", text)
        card = self.cards()[0]
        answer = client.get(f"{operating.INDEX}{card.id}/")
        self.assertEqual(
            (302, operating.INDEX), (answer.status_code, answer["location"])
        )
