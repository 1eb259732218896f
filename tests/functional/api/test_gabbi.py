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


"""One file a noun: what goes over the wire, step by step."""

from __future__ import annotations

import pathlib
import unittest
from typing import Any

from gabbi import driver

from tests.functional.api import gabbi_fixtures


def load_tests(
    loader: unittest.TestLoader, tests: Any, pattern: Any
) -> unittest.TestSuite:
    suite: unittest.TestSuite = driver.build_tests(
        str(pathlib.Path(__file__).parent / "gabbits"),
        loader,
        intercept=gabbi_fixtures.application,
        test_loader_name=__name__,
        fixture_module=gabbi_fixtures,
    )
    return suite
