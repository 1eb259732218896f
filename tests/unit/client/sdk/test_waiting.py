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

"""Waiting: what ends a wait, what does not, and what is shown meanwhile."""

from __future__ import annotations

import types

import requests
import testtools
from keystoneauth1 import exceptions as ksa_exceptions

from gpubroker.client import errors
from gpubroker.client.sdk import lease
from gpubroker.client.sdk import waiting


def at(state, reason="", **more):
    return lease.Lease(
        id="1", name="train", state=state, reason=reason, **more
    )


def answered(status):
    response = requests.Response()
    response.status_code = status
    return errors.ServiceError(f"answered {status}", response, [])


class Script:
    """Plays answers one after the other, the last for ever.

    Its clock moves only when someone sleeps.
    """

    def __init__(self, *answers):
        self.answers = list(answers)
        self.now = 0.0
        self.looks = 0
        self.shown = []

    def fetch(self):
        self.looks += 1
        answer = self.answers[0]
        if len(self.answers) > 1:
            self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def sleep(self, seconds):
        self.now += seconds

    def wait(self, state="active", **options):
        wait = waiting.Wait(
            clock=lambda: self.now, sleep=self.sleep, **options
        )
        return wait.until(
            self.fetch,
            state,
            lease.FINAL,
            lambda x: self.shown.append(x.state),
        )


class Waiting(testtools.TestCase):
    def test_it_ends_in_the_state_awaited(self):
        script = Script(at("queued"), at("starting"), at("active"))
        self.assertEqual("active", script.wait().state)
        self.assertEqual(["queued", "starting", "active"], script.shown)

    def test_what_has_not_changed_is_not_shown_again(self):
        script = Script(
            at("queued"), at("queued"), at("queued", "2 more"), at("active")
        )
        script.wait()
        self.assertEqual(["queued", "queued", "active"], script.shown)

    def test_another_final_state_is_a_failure_with_its_reason(self):
        script = Script(at("starting"), at("failed", "No such key pair."))
        error = self.assertRaises(errors.LeaseFailed, script.wait)
        self.assertEqual("Lease train failed: No such key pair.", str(error))
        self.assertEqual("failed", error.lease.state)
        self.assertEqual("failed", script.shown[-1])

    def test_a_final_state_without_a_reason_is_still_a_sentence(self):
        error = self.assertRaises(errors.LeaseFailed, Script(at("ended")).wait)
        self.assertEqual("Lease train ended.", str(error))

    def test_the_end_can_be_awaited(self):
        script = Script(at("ending"), at("ended"))
        self.assertEqual("ended", script.wait("ended").state)

    def test_a_timeout_says_where_the_lease_stands(self):
        script = Script(at("queued"))
        error = self.assertRaises(
            errors.WaitTimeout, script.wait, timeout=10, interval=2
        )
        self.assertEqual(
            "Lease train is still queued after 10 seconds.", str(error)
        )
        self.assertLessEqual(script.now, 10)

    def test_the_pauses_grow_while_nothing_changes(self):
        script = Script(*[at("queued")] * 12, at("starting"), at("active"))
        pauses = []
        script.sleep = lambda seconds: pauses.append(seconds)
        script.wait(interval=1)
        self.assertEqual([1, 1.5, 2.25], pauses[:3])
        self.assertEqual(10, pauses[-2])
        self.assertEqual(1, pauses[-1])

    def test_a_timeout_of_nothing_looks_once(self):
        script = Script(at("active"))
        self.assertEqual("active", script.wait(timeout=0).state)
        self.assertRaises(
            errors.WaitTimeout, Script(at("queued")).wait, timeout=0
        )

    def test_a_restart_of_the_service_is_waited_out(self):
        script = Script(
            at("queued"),
            ksa_exceptions.ConnectFailure("refused"),
            answered(503),
            # Of many who all wait, some ask too often.
            answered(429),
            at("active"),
        )
        self.assertEqual("active", script.wait().state)

    def test_a_service_that_stays_away_ends_the_wait(self):
        for error in (ksa_exceptions.ConnectFailure("x"), answered(502)):
            script = Script(at("queued"), error)
            self.assertRaises(
                type(error), script.wait, patience=60, interval=1
            )
            self.assertEqual(61, script.now)

    def test_a_refusal_is_not_waited_out(self):
        script = Script(answered(404))
        self.assertRaises(errors.ServiceError, script.wait)
        self.assertEqual(1, script.looks)

    def test_anything_with_a_state_can_be_waited_for(self):
        thing = types.SimpleNamespace(
            id="1", name="x", state="active", reason=""
        )
        self.assertIs(thing, Script(thing).wait())
