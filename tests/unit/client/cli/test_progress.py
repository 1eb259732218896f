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

"""The lines that a person reads while a lease starts."""

from __future__ import annotations

import io

import testtools

from gpubroker.client.cli import progress
from gpubroker.client.sdk import lease

BEGUN = "2026-12-01T08:00:00Z"


def step(
    name, state="done", node=0, begun=BEGUN, done="2026-12-01T08:00:02.500Z"
):
    return {
        "node": node,
        "step": name,
        "state": state,
        "begun_at": begun,
        "done_at": done if state == "done" else None,
    }


def at(state, **more):
    more.setdefault("nodes", 1)
    return lease.Lease(name="train", state=state, pool="default", **more)


def place(number):
    return {"place": number, "waiting_for": "Waits for 2 x a100"}


class Reporting(testtools.TestCase):
    def shown(self, *leases):
        out = io.StringIO()
        reporter = progress.Reporter(out)
        for one in leases:
            reporter(one)
        return out.getvalue().splitlines()

    def test_who_waits_for_rights_has_no_place(self):
        queue = {"place": None, "waiting_for": "Your rights do not work."}
        self.assertEqual(
            ["train: queued, Your rights do not work."],
            self.shown(at("queued", queue=queue)),
        )

    def test_the_whole_way_of_a_lease(self):
        lines = self.shown(
            at(
                "queued",
                queue={"place": 2, "waiting_for": "Waits for 2 x a100"},
            ),
            at(
                "queued",
                queue={"place": 1, "waiting_for": "Waits for 2 x a100"},
            ),
            at(
                "starting",
                target="active",
                model="a100-sxm4-80gb",
                progress=[step("ticket"), step("server", "begun")],
            ),
            at(
                "active",
                requested_at="2026-12-01T08:00:00Z",
                started_at="2026-12-01T08:00:14.200Z",
                progress=[step("ticket"), step("server")],
            ),
        )
        self.assertEqual(
            [
                "train: queued, place 2 in pool default. Waits for 2 x a100",
                "train: queued, place 1 in pool default. Waits for 2 x a100",
                "train: starting, on a100-sxm4-80gb",
                "  ticket done, 2.5 s",
                "  server ...",
                "  server done, 2.5 s",
                "train: active, 14.2 s after the order",
            ],
            lines,
        )

    def test_what_was_shown_is_not_shown_again(self):
        one = at("starting", target="active", progress=[step("ticket")])
        self.assertEqual(2, len(self.shown(one, one, one)))

    def test_steps_taken_before_are_no_news(self):
        out = io.StringIO()
        reporter = progress.Reporter(out, known=[step("server")])
        reporter(at("ending", progress=[step("server"), step("ticket")]))
        self.assertEqual(
            "train: ending\n  ticket done, 2.5 s\n", out.getvalue()
        )

    def test_nodes_are_named_where_there_are_several(self):
        lines = self.shown(
            at(
                "starting",
                target="active",
                nodes=2,
                progress=[step("server"), step("server", node=1)],
            )
        )
        self.assertEqual(
            ["  node 0: server done, 2.5 s", "  node 1: server done, 2.5 s"],
            lines[1:],
        )

    def test_a_second_attempt_shows_its_steps_again(self):
        first = step("ticket")
        again = step("ticket", begun="2026-12-01T08:01:00Z", done=None)
        lines = self.shown(
            at("starting", target="active", progress=[first]),
            at(
                "starting",
                target="queued",
                reason="the host went away",
                progress=[first],
            ),
            at("starting", target="active", progress=[first, again]),
        )
        self.assertEqual(
            [
                "train: starting",
                "  ticket done, 2.5 s",
                "train: starting, undoing a start that failed: the host "
                "went away",
                "train: starting",
                "  ticket done",
            ],
            lines,
        )

    def test_a_failure_comes_last_with_its_reason(self):
        lines = self.shown(
            at(
                "failed",
                reason="No such key pair.",
                progress=[step("undo")],
            )
        )
        self.assertEqual(
            ["  undo done, 2.5 s", "train: failed, No such key pair."], lines
        )

    def test_a_step_of_no_time_shows_none(self):
        quick = step("ticket", done=BEGUN)
        self.assertEqual("  ticket done", progress.step_text(quick, 1))

    def test_whole_seconds_show_no_tenths(self):
        slow = step("boot", done="2026-12-01T08:02:00Z")
        self.assertEqual("  boot done, 120 s", progress.step_text(slow, 1))

    def test_a_lease_not_planned_yet_shows_its_reason(self):
        self.assertEqual(
            ["train: queued, not planned yet"],
            self.shown(at("queued", reason="not planned yet")),
        )
