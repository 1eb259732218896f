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

"""How the history of a lease or a device is shown."""

from __future__ import annotations

from gpubroker.client.cli import columns

COLUMNS = (
    columns.Column("At", "at"),
    columns.Column("Kind", "kind"),
    columns.Column("Message", "message"),
    columns.Column("Detail", "detail", long=True),
    columns.Column("By", "by", long=True),
    columns.Column("Request ID", "request_id", long=True),
    columns.Column("ID", "id", long=True),
)
