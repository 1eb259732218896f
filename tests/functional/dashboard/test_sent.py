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
"""Orders, extensions and ends: from the form of a page to the broker."""

from __future__ import annotations

import base64
from typing import Any

from gpubroker.domain import leases
from tests.fixtures import api as test_api
from tests.fixtures import cloud
from tests.functional.dashboard import sending

INDEX = sending.INDEX
ORDER = f"{INDEX}order/"


class OrderTest(sending.SendingTest):
    def user_data(self, lease_id: str) -> str:
        with self.world.store.read() as tx:
            found = tx.leases.user_data(lease_id)
        return base64.b64decode(found or "").decode()

    def refused(self, answer: Any) -> dict[str, str]:
        self.assertEqual([], self.leases())
        return self.wrong(answer)

    def test_all_that_is_filled_in_is_ordered(self) -> None:
        self.images["7d2f1c60-0000-4000-8000-000000000003"] = "debian"
        self.keys.append("another")
        form = self.form(f"{ORDER}?flavor=gpu.2")
        form["name"] = "train <1> & {$ 2 $}"
        form["image"] = cloud.IMAGE
        form["key_name"] = cloud.KEY
        form["duration"] = "1h30m"
        form["nodes"] = "2"
        form["security_groups"].checked = True
        form["user_data"] = "#!/bin/sh\necho ñ\n"
        answer = self.send(form)
        (lease,) = self.leases()
        self.assertEqual(
            (302, f"{INDEX}{lease.id}/"),
            (answer.status_code, answer["location"]),
        )
        self.assertEqual(
            ("train <1> & {$ 2 $}", "gpu.2", 2, 5400),
            (lease.name, lease.flavor, lease.node_count, lease.duration),
        )
        self.assertEqual(
            (test_api.MEMBER.user_id, test_api.MEMBER.project_id),
            (lease.user_id, lease.project_id),
        )
        self.assertEqual(
            {
                "type": "server",
                "image": cloud.IMAGE,
                "key_name": cloud.KEY,
                "networks": [{"network": sending.NETWORK}],
                "security_groups": [sending.GROUP],
            },
            {name: lease.workload.get(name) for name in _ASKED},
        )
        # As a browser sends the ends of lines.
        self.assertEqual(
            "#!/bin/sh\necho ñ\n",
            self.user_data(lease.id).replace("\r\n", "\n"),
        )

    def test_little_has_to_be_filled_in(self) -> None:
        """The only image, network and pool there are chosen already."""
        form = self.form(f"{ORDER}?flavor=gpu.1")
        form["name"] = "train"
        self.send(form)
        (lease,) = self.leases()
        self.assertEqual(
            ("gpu.1", 1, None),
            (lease.flavor, lease.node_count, lease.duration),
        )
        self.assertEqual(cloud.IMAGE, lease.workload["image"])
        self.assertEqual(
            [{"network": sending.NETWORK}], lease.workload["networks"]
        )
        self.assertNotIn("security_groups", lease.workload)
        self.world.settle(lease.id, "active")

    def test_what_the_service_refuses_is_said_beside_the_field(self) -> None:
        gone = "7d2f1c60-0000-4000-8000-000000000009"
        self.images = {gone: "just deleted"}
        form = self.form(ORDER)
        form["name"] = "train"
        answer = self.send(form)
        self.assertEqual(
            {"image": f"workload.image: there is no image {gone} for you"},
            self.refused(answer),
        )
        again = self.form_of(answer)
        self.assertEqual("train", again["name"].value)

    def test_what_is_wrong_is_said_before_the_service_is_asked(self) -> None:
        form = self.form(ORDER)
        form["name"], form["duration"] = "train", "tomorrow"
        self.assertEqual(["duration"], list(self.refused(self.send(form))))

    def test_what_has_to_be_there_is_missed(self) -> None:
        answer = self.send(self.form(ORDER))
        self.assertEqual(["name"], list(self.refused(answer)))

    def test_who_may_not_order_orders_nothing(self) -> None:
        """The page has no button for them; they send it all the same."""
        client = self.sign_in(test_api.READER)
        form = self.form(ORDER, client)
        form["name"] = "train"
        self.assertEqual([""], list(self.refused(self.send(form, client))))

    def test_what_was_typed_is_shown_again_as_it_was(self) -> None:
        """AngularJS evaluates what stands between these two signs, so that
        Horizon writes others; what is sent again has to be the first."""
        typed = {
            "name": "{$ 1 + 1 $} <&>",
            "duration": "{$x$}",
            "user_data": '\necho "{$HOME}" | grep "^a$}" </dev/null &\n',
        }
        form = self.form(ORDER)
        for name, text in typed.items():
            form[name] = text
        answer = self.send(form)
        self.assertEqual(["duration"], list(self.refused(answer)))
        again = self.form_of(answer)
        for name, text in typed.items():
            self.assertEqual(text, again[name].value, name)
        again["duration"] = "1h"
        self.send(again)
        (lease,) = self.leases()
        self.assertEqual(typed["name"], lease.name)
        self.assertEqual(
            typed["user_data"],
            self.user_data(lease.id).replace("\r\n", "\n"),
        )

    def test_angular_is_kept_from_what_was_typed(self) -> None:
        form = self.form(ORDER)
        form["name"] = form["user_data"] = "{$ constructor $}"
        form["duration"] = "tomorrow"
        page = sending.soup(self.send(form))
        found = page.find_all(string=lambda text: "{$" in text)
        found += page.find_all(
            lambda tag: any("{$" in str(v) for v in tag.attrs.values())
        )
        self.assertEqual(2, len(found))
        for one in found:
            kept = one if one.name else one.parent
            self.assertIn("ng-non-bindable", kept.attrs)


_ASKED = ("type", "image", "key_name", "networks", "security_groups")


class ExtendTest(sending.SendingTest):
    def setUp(self) -> None:
        super().setUp()
        lease = self.world.order("train", duration=3600)
        self.lease = self.world.settle(lease.id, "active")
        self.url = f"{INDEX}{lease.id}/extend/"

    def longer(self) -> float:
        """Seconds by which its end has moved."""
        now = self.world.get(self.lease.id)
        assert now.expires_at and self.lease.expires_at
        return (now.expires_at - self.lease.expires_at).total_seconds()

    def test_it_ends_so_much_later(self) -> None:
        form = self.form(self.url)
        form["by"] = "1d2h"
        answer = self.send(form)
        self.assertEqual(
            (302, f"{INDEX}{self.lease.id}/"),
            (answer.status_code, answer["location"]),
        )
        self.assertEqual(26 * 3600, self.longer())

    def test_what_is_no_duration_moves_nothing(self) -> None:
        for text in ("", "tomorrow", "8", "-1h"):
            form = self.form(self.url)
            form["by"] = text
            answer = self.send(form)
            self.assertEqual(["by"], list(self.wrong(answer)))
            self.assertEqual(text, self.form_of(answer)["by"].value)
        self.assertEqual(0, self.longer())

    def test_what_the_service_refuses_is_said_beside_the_field(self) -> None:
        form = self.form(self.url)
        self.api.call("DELETE", f"/v1/leases/{self.lease.id}")
        form["by"] = "1h"
        answer = self.send(form)
        self.assertEqual(["by"], list(self.wrong(answer)))
        self.assertEqual(0, self.longer())

    def test_of_others_nothing_is_moved(self) -> None:
        form = self.form(self.url)
        form["by"] = "1h"
        colleague = self.sign_in(test_api.COLLEAGUE)
        answer = self.send(form, colleague)
        self.assertEqual(["by"], list(self.wrong(answer)))
        stranger = self.sign_in(test_api.OTHER_MEMBER)
        self.assertEqual(INDEX, self.send(form, stranger)["location"])
        self.assertEqual(0, self.longer())


class EndTest(sending.SendingTest):
    def setUp(self) -> None:
        super().setUp()
        lease = self.world.order("train")
        self.lease = self.world.settle(lease.id, "active")
        self.url = f"{INDEX}{lease.id}/end/"

    def state(self) -> leases.State:
        return self.world.get(self.lease.id).state

    def test_it_ends(self) -> None:
        answer = self.send(self.form(self.url))
        self.assertEqual(
            (302, f"{INDEX}{self.lease.id}/"),
            (answer.status_code, answer["location"]),
        )
        self.assertEqual(leases.State.ENDING, self.state())
        self.world.settle(self.lease.id, "ended")

    def test_looking_at_the_dialog_ends_nothing(self) -> None:
        self.form(self.url)
        self.assertEqual(leases.State.ACTIVE, self.state())

    def test_others_end_nothing(self) -> None:
        form = self.form(self.url)
        for who, said in (
            (test_api.COLLEAGUE, 200),
            (test_api.READER, 200),
            (test_api.OTHER_MEMBER, 302),
        ):
            answer = self.send(form, self.sign_in(who))
            self.assertEqual(said, answer.status_code, who)
            self.assertEqual(leases.State.ACTIVE, self.state(), who)

    def test_a_manager_of_the_project_may(self) -> None:
        self.send(self.form(self.url), self.sign_in(test_api.MANAGER))
        self.assertEqual(leases.State.ENDING, self.state())
