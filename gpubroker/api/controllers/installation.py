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


"""``/v1/installation``: which one of several brokers on a cloud this is."""

from __future__ import annotations

from typing import Any

from gpubroker.api import routing
from gpubroker.api.call import Call
from gpubroker.api.operation import operation
from gpubroker.api.schemas import installation as schemas


class Installation(routing.Node):
    @operation("installation:show", answer=schemas.INSTALLATION)
    def show(self, call: Call) -> dict[str, Any]:
        """Show the installation."""
        with call.ports.store.read() as tx:
            return {"name": tx.installation.name()}
