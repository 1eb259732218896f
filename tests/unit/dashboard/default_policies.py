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
"""The rules of our API as Horizon wants them, in a file.

Horizon has no way to ask a service for its rules; it reads files such as its
own ``manage.py dump_default_policies`` writes. ``python -m`` this module
writes ours anew.
"""

from __future__ import annotations

import pathlib
from typing import Any

import yaml

import gpubroker.dashboard
from gpubroker import policies

PATH = (
    pathlib.Path(gpubroker.dashboard.__file__).parent
    / "conf"
    / "default_policies"
    / "gpubroker.yaml"
)


class _Plain(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def text() -> str:
    rules = [
        {
            "name": rule.name,
            "check_str": rule.check_str,
            "description": rule.description,
            "operations": getattr(rule, "operations", []),
            "scope_types": rule.scope_types,
        }
        for rule in policies.list_rules()
    ]
    return str(yaml.dump(rules, Dumper=_Plain))


if __name__ == "__main__":
    PATH.write_text(text())
