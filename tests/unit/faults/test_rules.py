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

import testtools

from sandbox.faults import rules

POST = rules.Request("nova", "POST", "/v2.1/servers", "worker")
GET = rules.Request("nova", "GET", "/v2.1/servers?name=x", "api")


def made(*wanted):
    found = rules.Rules()
    found.put(wanted)
    return found


class Fit(testtools.TestCase):
    def faults(self, rule, *requests):
        found = made(rule)
        return [bool(found.judge(request)) for request in requests]

    def test_without_rules_nothing_goes_wrong(self):
        self.assertIsNone(made().judge(POST))

    def test_every_field_that_is_set_has_to_fit(self):
        rule = rules.Rule(
            rules.Fault.RESET,
            service="nova",
            method="POST",
            path="/servers$",
            client="worker",
        )
        self.assertEqual([True, False], self.faults(rule, POST, GET))

    def test_the_kind_of_a_request(self):
        rule = rules.Rule(rules.Fault.RESET, kind="nova GET /v2.1/servers")
        self.assertEqual([False, True], self.faults(rule, POST, GET))

    def test_some_pass_first_and_then_so_many_go_wrong(self):
        rule = rules.Rule(rules.Fault.RESET, skip=1, times=2)
        self.assertEqual(
            [False, True, True, False],
            self.faults(rule, POST, POST, POST, POST),
        )

    def test_one_alone_of_its_kind(self):
        rule = rules.Rule(rules.Fault.RESET, kind=POST.kind, nth=2)
        self.assertEqual(
            [False, False, True, False],
            self.faults(rule, GET, POST, POST, POST),
        )

    def test_new_rules_count_anew(self):
        rule = rules.Rule(rules.Fault.RESET, times=1)
        found = made(rule)
        self.assertIs(rule, found.judge(POST).rule)
        self.assertIsNone(found.judge(POST))
        found.put([rule])
        self.assertIs(rule, found.judge(POST).rule)


class Chance(testtools.TestCase):
    def hits(self, seed, requests=(POST,) * 200):
        found = made(rules.Rule(rules.Fault.RESET, chance=0.3, seed=seed))
        return [found.judge(request) is not None for request in requests]

    def test_about_as_many_as_wanted(self):
        self.assertTrue(30 < sum(self.hits(1)) < 90, self.hits(1))

    def test_a_seed_gives_the_same_again(self):
        self.assertEqual(self.hits(7), self.hits(7))
        self.assertNotEqual(self.hits(7), self.hits(8))

    def test_other_requests_between_them_change_nothing(self):
        mixed = self.hits(7, (POST, GET) * 200)
        self.assertEqual(self.hits(7), mixed[::2])


class Again(testtools.TestCase):
    def hits(self, wanted, requests):
        """(kind, nth, fault) -> the rule that does it again."""
        found = made(*wanted)
        told = filter(None, map(found.judge, requests))
        return {(h.kind, h.nth, h.rule.fault): h.again for h in told}

    def test_what_hit_hits_again_though_others_come_between(self):
        """By whichever rule it was; threads send the rest as they like."""
        wanted = (
            rules.Rule(
                rules.Fault.STATUS, service="nova", skip=3, times=2, status=409
            ),
            rules.Rule(rules.Fault.SLOW, chance=0.2, seed=3, seconds=2.0),
            rules.Rule(rules.Fault.KILL_AFTER, client="worker", chance=0.1),
        )
        first = self.hits(wanted, (POST, GET) * 40)
        self.assertEqual(
            {rules.Fault.STATUS, rules.Fault.SLOW, rules.Fault.KILL_AFTER},
            {fault for _kind, _nth, fault in first},
        )
        again = self.hits(first.values(), (GET,) * 40 + (POST,) * 40)
        self.assertEqual(first, again)

    def test_how_it_goes_wrong_is_kept(self):
        rule = rules.Rule(rules.Fault.STATUS, path="servers", status=429)
        (again,) = self.hits([rule], [POST]).values()
        self.assertEqual(
            {"fault": "status", "kind": POST.kind, "nth": 1, "status": 429},
            again.data(),
        )
        self.assertEqual(again, rules.Rule.of(again.data()))


class Templates(testtools.TestCase):
    def test_what_differs_from_lease_to_lease_is_left_out(self):
        ident = "227a3d08-948d-4034-b830-076b41dbb562"
        for path, expected in (
            (f"/v2.1/servers/{ident}", "/v2.1/servers/ID"),
            (f"/allocations/{ident}?x=1", "/allocations/ID"),
            (
                "/resource_classes/CUSTOM_GPUBROKER_0AF3_9B",
                "/resource_classes/TICKET",
            ),
        ):
            self.assertEqual(expected, rules.template(path))


class Data(testtools.TestCase):
    def test_a_rule_from_json(self):
        self.assertEqual(
            rules.Rule(rules.Fault.STATUS, status=429, times=2),
            rules.Rule.of({"fault": "status", "status": 429, "times": 2}),
        )

    def test_what_can_not_be_meant(self):
        for data in (
            {"fault": "no such"},
            {"fault": "reset", "path": "("},
            {"fault": "reset", "colour": "red"},
        ):
            self.assertRaises((ValueError, TypeError), rules.Rule.of, data)
