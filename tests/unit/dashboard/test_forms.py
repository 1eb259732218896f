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

"""Forms of the panels."""

from __future__ import annotations

import pathlib
import re

import testtools

from gpubroker import dashboard

_FORM = re.compile(r"<form\b[^>]*>")


class FormsTest(testtools.TestCase):
    def test_each_says_where_it_is_sent_to(self) -> None:
        """AngularJS, which every page of Horizon loads, sends no other."""
        root = pathlib.Path(dashboard.__file__).parent
        found = [
            form
            for path in root.rglob("*.html")
            for form in _FORM.findall(path.read_text())
        ]
        self.assertGreater(len(found), 3)
        for form in found:
            self.assertIn(" action=", form)
