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


import subprocess
import sys

import testtools

# What an agent must not load: each is worth more memory than the agent, or
# would hold a handle of a card.
_HEAVY = (
    "eventlet",
    "openstack",
    "oslo_db",
    "oslo_messaging",
    "pecan",
    "pynvml",
    "sqlalchemy",
)

_PROGRAM = """
import sys
import gpubroker.cmd.agent
print([name for name in {heavy!r} if name in sys.modules])
import oslo_messaging
from oslo_service import backend
print(backend.get_backend_type().value)
"""


class ImportTest(testtools.TestCase):
    """In a process of its own: what is loaded here is loaded already."""

    def test_the_agent_is_small_and_no_command_chooses_eventlet(self) -> None:
        done = subprocess.run(
            [sys.executable, "-c", _PROGRAM.format(heavy=_HEAVY)],
            capture_output=True,
            text=True,
            timeout=60,
        )
        self.assertEqual(
            ["[]", "threading"], done.stdout.splitlines(), done.stderr
        )
