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

"""Projects by their names, which Keystone has. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

#: What the service takes for an id of Keystone's.
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

#: What Keystone itself makes; one of a project that is gone has no name.
_MADE = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Projects:
    """:param names: id -> name; empty where Keystone does not tell."""

    names: Mapping[str, str] = field(default_factory=dict)

    def name(self, project_id: str) -> str:
        return self.names.get(project_id) or project_id

    def ids(self, text: str) -> list[str]:
        """The projects that are meant by a name or an id.

        More than one where domains have projects of the same name; none
        where there is no such project.
        """
        if text in self.names:
            return [text]
        named = [one for one, name in self.names.items() if name == text]
        if named:
            return named
        pattern = _MADE if self.names else _ID
        return [text] if pattern.fullmatch(text) else []

    def word(self, project_id: str) -> str:
        """Its name where that means no other project, else its id."""
        name = self.name(project_id)
        return name if self.ids(name) == [project_id] else project_id
