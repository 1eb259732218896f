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

"""Actions on the rows of a list."""

from __future__ import annotations

from typing import Any

from horizon import tables


class RowAction(tables.LinkAction):
    """Shown also where it can not be done, with the reason.

    The list shows it with the template ``gpubroker/_row_actions.html``.
    """

    classes: tuple[str, ...] = ("ajax-modal",)
    #: Why it can not be done with the row that it is shown for.
    why = ""

    def why_not(self, request: Any, thing: Any) -> str:
        """Why it can not be done; empty where it can."""
        raise NotImplementedError

    def shown(self, thing: Any) -> bool:
        """Whether there is any sense in it for this row."""
        return True

    def allowed(self, request: Any, thing: Any = None) -> bool:
        if thing is None:
            return True
        # Of a copy that Horizon makes for each row.
        self.why = self.why_not(request, thing)
        return self.shown(thing)
