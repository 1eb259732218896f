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

"""What is particular to leases, devices and hosts."""

from __future__ import annotations

import testtools
from openstack import exceptions

from gpubroker.client.sdk import lease
from gpubroker.client.sdk import model
from tests.unit.client import wire


class Leases(wire.TestCase):
    def found(self, *leases):
        self.http.get(
            f"{wire.V1}/leases/train",
            status_code=404,
            json=wire.refusal(404, "-"),
        )
        self.http.get(f"{wire.V1}/leases", json={"leases": list(leases)})
        for one in leases:
            self.http.get(f"{wire.V1}/leases/{one['id']}", json=one)

    def one(self, lease_id, state, at="2026-12-01T08:00:00Z", name="train"):
        return {
            "id": lease_id,
            "name": name,
            "state": state,
            "requested_at": at,
        }

    def test_adopting_is_a_post_of_the_server(self):
        self.http.post(f"{wire.V1}/adoptions", json={"id": "1"})
        made = self.broker.adopt_lease("s-1", duration=60)
        self.assertEqual("1", made.id)
        self.assertEqual(
            {"server_id": "s-1", "duration": 60}, self.wire.sent[-1].json()
        )

    def test_a_name_means_the_lease_that_still_lives(self):
        self.found(self.one("1", "ended"), self.one("2", "active"))
        self.assertEqual("2", self.broker.find_lease("train").id)

    def test_of_those_that_are_over_a_name_means_the_newest(self):
        self.found(
            self.one("1", "ended", "2026-12-02T00:00:00Z"),
            self.one("2", "failed", "2026-12-01T00:00:00Z"),
        )
        self.assertEqual("1", self.broker.find_lease("train").id)

    def test_two_that_live_are_named_by_id(self):
        self.found(self.one("1", "queued"), self.one("2", "active"))
        error = self.assertRaises(
            exceptions.DuplicateResource, self.broker.find_lease, "train"
        )
        self.assertIn("1, 2", str(error))

    def test_a_comma_in_a_name_does_not_find_another_lease(self):
        self.http.get(
            f"{wire.V1}/leases/a%2Cb",
            status_code=404,
            json=wire.refusal(404, "-"),
        )
        self.http.get(
            f"{wire.V1}/leases",
            json={"leases": [self.one("1", "active", name="a")]},
        )
        self.assertIsNone(self.broker.find_lease("a,b"))
        self.assertEqual({}, self.wire.sent[-1].qs)

    def test_none_is_a_clear_error(self):
        self.found()
        error = self.assertRaises(
            exceptions.NotFoundException,
            self.broker.find_lease,
            "train",
            ignore_missing=False,
        )
        self.assertIn("no lease with the name or id 'train'", str(error))

    def test_the_end_of_a_lease_is_answered_with_the_lease(self):
        self.http.delete(
            f"{wire.V1}/leases/1",
            status_code=202,
            json=self.one("1", "ending"),
        )
        self.assertEqual("ending", self.broker.delete_lease("1").state)

    def test_extending_sends_seconds_or_a_time(self):
        self.http.post(
            f"{wire.V1}/leases/1/extensions", json=self.one("1", "active")
        )
        extended = self.broker.extend_lease("1", by=60)
        self.assertEqual({"by": 60}, self.wire.sent[-1].json())
        self.assertEqual("active", extended.state)
        self.broker.extend_lease("1", until="2026-12-01T08:00:00Z")
        self.assertEqual(
            {"until": "2026-12-01T08:00:00Z"}, self.wire.sent[-1].json()
        )

    def test_extending_by_both_or_neither_is_refused(self):
        self.assertRaises(ValueError, self.broker.extend_lease, "1")
        self.assertRaises(
            ValueError, self.broker.extend_lease, "1", by=1, until="x"
        )

    def test_final_states(self):
        for state in ("ended", "failed"):
            self.assertTrue(lease.Lease(state=state).is_final)
        for state in ("queued", "starting", "active", "ending"):
            self.assertFalse(lease.Lease(state=state).is_final)

    def test_the_history_of_a_lease(self):
        self.http.get(
            f"{wire.V1}/leases/1/events",
            json={"events": [{"id": 1, "kind": "lease.active"}]},
        )
        kinds = [event.kind for event in self.broker.lease_events("1")]
        self.assertEqual(["lease.active"], kinds)


class Devices(wire.TestCase):
    ID = "7a9c5c1e-6c3c-4a3b-9c64-2f1d6f1b2a10"

    def device(self, **more):
        return {"id": self.ID, "state": "present", **more}

    def test_an_id_is_asked_for_directly(self):
        self.http.get(f"{wire.V1}/devices/{self.ID}", json=self.device())
        self.assertEqual(self.ID, self.broker.find_device(self.ID.upper()).id)

    def test_a_place_is_a_host_and_an_address(self):
        self.http.get(f"{wire.V1}/devices", json={"devices": [self.device()]})
        for text in ("gpu-1/0000:0B:00.0", "gpu-1/0b:00.0"):
            self.assertEqual(self.ID, self.broker.find_device(text).id)
            self.assertEqual(
                {"host": ["gpu-1"], "pci_address": ["0000:0b:00.0"]},
                self.wire.sent[-1].qs,
            )

    def test_a_serial_number_means_the_card_that_is_present(self):
        self.http.get(
            f"{wire.V1}/devices?serial=s1",
            json={
                "devices": [
                    {"id": "old", "state": "vanished"},
                    self.device(),
                ]
            },
        )
        self.assertEqual(self.ID, self.broker.find_device("s1").id)

    def test_two_cards_with_one_serial_are_named_by_id(self):
        self.http.get(
            f"{wire.V1}/devices?serial=s1",
            json={"devices": [self.device(), {"id": "2", "state": "present"}]},
        )
        error = self.assertRaises(
            exceptions.DuplicateResource, self.broker.find_device, "s1"
        )
        self.assertIn(f"{self.ID}, 2", str(error))

    def test_a_search_has_all_that_one_has_to_choose_from(self):
        self.http.get(
            f"{wire.V1}/devices?serial=s1",
            json={"devices": [self.device(), {"id": "2", "state": "present"}]},
        )
        found = [one.id for one in self.broker.search_devices("s1")]
        self.assertEqual([self.ID, "2"], found)
        self.http.get(f"{wire.V1}/devices", json={"devices": []})
        self.assertEqual([], self.broker.search_devices("s2"))

    def test_none_is_a_clear_error(self):
        self.http.get(f"{wire.V1}/devices", json={"devices": []})
        error = self.assertRaises(
            exceptions.NotFoundException,
            self.broker.find_device,
            "s1",
            ignore_missing=False,
        )
        self.assertIn("host/PCI-address", str(error))

    def test_fencing_is_a_put_of_the_operators_reason(self):
        url = f"{wire.V1}/devices/{self.ID}"
        self.http.put(f"{url}/fences/operator", json={"reason": "operator"})
        self.http.get(url, json=self.device(fences=[{"reason": "operator"}]))
        fenced = self.broker.fence_device(self.ID, "fan noise")
        self.assertEqual({"detail": "fan noise"}, self.wire.sent[0].json())
        self.assertEqual([{"reason": "operator"}], fenced.fences)

    def test_draining_is_a_put_and_resuming_a_delete(self):
        url = f"{wire.V1}/hosts/gpu-1"
        self.http.put(f"{url}/drain", json={"drain": {"detail": "moves"}})
        self.http.delete(f"{url}/drain", status_code=204)
        drained = self.broker.drain_host("gpu-1", "moves")
        self.assertEqual({"detail": "moves"}, self.wire.sent[0].json())
        self.assertEqual({"detail": "moves"}, drained.drain)
        self.broker.resume_host("gpu-1")
        self.assertEqual("DELETE", self.wire.sent[-1].method)

    def test_unfencing_is_a_delete_of_one_reason(self):
        url = f"{wire.V1}/devices/{self.ID}"
        self.http.delete(f"{url}/fences/unadmitted", status_code=204)
        self.http.delete(f"{url}/fences/health", status_code=204)
        self.http.get(url, json=self.device(fences=[]))
        self.assertEqual(
            [], self.broker.unfence_device(self.ID, "unadmitted").fences
        )
        self.broker.unfence_device(self.ID, "health", "passed dcgmi diag")
        self.assertEqual(
            {"detail": ["passed dcgmi diag"]}, self.wire.sent[-2].qs
        )

    def test_the_fences_of_a_device(self):
        self.http.get(
            f"{wire.V1}/devices/{self.ID}/fences",
            json={"fences": [{"reason": "health", "detail": "XID 79"}]},
        )
        fence = next(self.broker.device_fences(self.ID))
        self.assertEqual(("health", "XID 79"), (fence.reason, fence.detail))


class Hosts(wire.TestCase):
    def test_enrolling_a_new_host_makes_it_and_binds_the_user(self):
        url = f"{wire.V1}/hosts"
        self.http.get(f"{url}/h", status_code=404, json=wire.refusal(404, "-"))
        self.http.post(url, status_code=201, json={"name": "h"})
        self.http.put(
            f"{url}/h/agent", json={"name": "h", "agent": {"user_id": "u"}}
        )
        host = self.broker.enroll_host("h", "u", mode="manage")
        self.assertEqual({"user_id": "u"}, host.agent)
        self.assertEqual(
            {"name": "h", "mode": "manage"}, self.wire.sent[1].json()
        )
        self.assertEqual({"user_id": "u"}, self.wire.sent[2].json())

    def test_enrolling_a_known_host_changes_only_what_is_given(self):
        url = f"{wire.V1}/hosts/h"
        self.http.get(url, json={"name": "h", "generation": 3})
        self.http.patch(url, json={"name": "h", "generation": 4})
        self.http.put(f"{url}/agent", json={"name": "h"})
        self.broker.enroll_host("h", "u", pool="p")
        self.assertEqual(
            {"pool": "p", "generation": 3}, self.wire.sent[1].json()
        )
        self.broker.enroll_host("h", "u")
        self.assertEqual(
            ["GET", "PUT"], [one.method for one in self.wire.sent[-2:]]
        )

    def test_a_report_is_sent_as_it_is_and_its_answer_returned(self):
        answer = {"changed": False, "interval": 30, "claimed": []}
        self.http.put(f"{wire.V1}/hosts/h/report", json=answer)
        self.assertEqual(answer, self.broker.report_host("h", {"devices": []}))
        self.assertEqual({"devices": []}, self.wire.sent[-1].json())

    def test_the_configuration_of_a_host(self):
        self.http.get(
            f"{wire.V1}/hosts/h/config",
            json={"nova_conf": "[pci]", "provider_yaml": "x", "slots": {}},
        )
        self.assertEqual("[pci]", self.broker.host_config("h").nova_conf)

    def test_an_agent_is_unbound_by_a_delete(self):
        self.http.delete(f"{wire.V1}/hosts/h/agent", status_code=204)
        self.broker.unbind_host_agent("h")
        self.assertEqual("DELETE", self.wire.sent[-1].method)


class Keys(testtools.TestCase):
    def test_things_named_by_name_have_it_as_their_id(self):
        self.assertEqual("m", model.Model(name="m").id)
