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

from __future__ import annotations

from gpubroker import errors
from tests.functional.db import base
from tests.functional.db import samples


class InstallationTests(base.Tests):
    def test_it_counts_on_and_never_back(self) -> None:
        with self.store.write() as tx:
            self.assertEqual(0, tx.installation.count())
            self.assertEqual(1, tx.installation.count_on())
            self.assertEqual(42, tx.installation.count_on(41))
            self.assertEqual(43, tx.installation.count_on(7))
        with self.store.read() as tx:
            self.assertEqual(43, tx.installation.count())

    def test_without_a_lease_it_becomes_another(self) -> None:
        with self.store.write() as tx:
            tx.installation.become("0badcafe")
        with self.store.read() as tx:
            self.assertEqual("0badcafe", tx.installation.name())

    def test_with_a_lease_it_stays_what_it_is(self) -> None:
        with self.store.write() as tx:
            before = tx.installation.name()
            tx.leases.add(samples.lease(), None)
        with self.store.write() as tx:
            self.assertRaises(
                errors.Conflict, tx.installation.become, "0badcafe"
            )
        with self.store.read() as tx:
            self.assertEqual(before, tx.installation.name())


(
    InstallationTestsOnSQLite,
    InstallationTestsOnMariaDB,
    InstallationTestsOnPostgreSQL,
) = base.bound(InstallationTests)
