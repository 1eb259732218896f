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

import datetime

import testtools

from gpubroker.audit.findings import Finding
from gpubroker.audit.findings import Severity
from gpubroker.audit.reading import cloud
from gpubroker.audit.snapshot import Snapshot
from tests.unit.audit import builders
from tests.unit.audit import wire

NOW = datetime.datetime(2026, 11, 23, 12, tzinfo=datetime.UTC)
TEN = datetime.timedelta(minutes=10)
ERROR, WARNING, NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE


class AuditTest(testtools.TestCase):
    """Each test spoils one thing of a healthy cloud."""

    def setUp(self) -> None:
        super().setUp()
        self.small = builders.Small()
        self.assertEqual([], self.small.look(), "the cloud is healthy")

    def finds(
        self, code: str, *names: str, severity: Severity = ERROR
    ) -> Finding:
        """Exactly this is found, once, and its sentence names the things."""
        found = self.small.look()
        self.assertEqual([code], [finding.code for finding in found])
        (finding,) = found
        self.assertEqual(severity, finding.severity)
        for name in names:
            self.assertIn(name, finding.sentence)
        self.assertTrue(finding.sentence.endswith("."), finding.sentence)
        self.assertEqual(severity is not NOTE, bool(finding.advice))
        return finding

    def finds_nothing(self, **options: float) -> None:
        self.assertEqual([], self.small.look(**options))

    def codes(self, **options: float) -> list[str]:
        return sorted(f.code for f in self.small.look(**options))


class ReadingTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.wire = self.useFixture(wire.Wire())
        self.http = self.wire.http

    def read(self, user: str = "gpubroker") -> Snapshot:
        services = cloud.services(self.wire.region)
        return cloud.read(services, user, TEN, NOW)

    def refused(self, user: str = "gpubroker") -> str:
        error = self.assertRaises(cloud.CannotLookAt, self.read, user)
        return str(error)
