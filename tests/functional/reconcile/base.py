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

"""What the tests of hosts and their cards begin with."""

from __future__ import annotations

import testtools

from tests.fixtures import estate


def four(**of_first):
    """A report's cards: all of a host, with what the first one says."""
    first, *others = estate.ADDRESSES
    return [
        estate.card(first, **of_first),
        *(estate.card(address) for address in others),
    ]


class EstateCase(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.estate = self.useFixture(estate.Estate())
        self.core = self.estate.core


class HostCase(EstateCase):
    """One managed host with four cards, whose agent may speak."""

    def setUp(self):
        super().setUp()
        self.tree = self.estate.tree()
        self.estate.host()

    def report(self, *cards, **more):
        return self.estate.report(estate.body(*(cards or four()), **more))

    def rules(self, address):
        return [
            reason.rule for reason in self.estate.card(address).health_reasons
        ]
