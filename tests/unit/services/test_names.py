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


"""What a name has to be so that Nova takes it."""

from __future__ import annotations

import testtools

from gpubroker import errors
from gpubroker.services import names


class Names(testtools.TestCase):
    def test_what_nova_was_seen_to_take(self) -> None:
        """Tried on the pattern of Nova 34 (``valid_name_regex``)."""
        for text in ("a", "a b", "a\u00a0b", "e\u0301", "мой №1", "\ufffd"):
            names.check(text)

    def test_what_nova_was_seen_to_refuse(self) -> None:
        for text in (
            *(" a", "a ", "a\u00a0", "\u3000a", "a\u200b", "a\u2028b"),
            *("a\x85b", "a\ue000b", "a\uffff", "a 🚀"),
        ):
            self.assertRaises(ValueError, names.check, text)

    def test_servers_of_several_nodes_have_a_number_behind(self) -> None:
        names.check_servers("x" * 255, 1)
        names.check_servers("x" * 253, 10)
        names.check_servers("x" * 252, 11)
        for length, nodes in ((256, 1), (254, 2), (253, 11)):
            error = self.assertRaises(
                errors.Invalid, names.check_servers, "x" * length, nodes
            )
            self.assertEqual("name", error.fields["field"])
