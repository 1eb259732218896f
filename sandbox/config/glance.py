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

"""Glance's configuration."""

from sandbox import layout as layouts
from sandbox.config import settings as s


def write(settings: s.Settings) -> None:
    data = settings.layout.data / "glance"
    for folder in ("images", "staging", "tasks"):
        (data / folder).mkdir(parents=True, exist_ok=True)
    paste = layouts.CLOUD_ENVIRONMENT / "etc/glance/glance-api-paste.ini"
    s.write(
        settings,
        "glance",
        "glance-api.conf",
        s.ini(
            {
                "DEFAULT": {"enabled_backends": "fs:file"},
                "database": {"connection": settings.database("glance")},
                "glance_store": {"default_backend": "fs"},
                "fs": {"filesystem_store_datadir": str(data / "images")},
                "os_glance_staging_store": {
                    "filesystem_store_datadir": str(data / "staging")
                },
                "os_glance_tasks_store": {
                    "filesystem_store_datadir": str(data / "tasks")
                },
                "paste_deploy": {
                    "flavor": "keystone",
                    "config_file": str(paste),
                },
                "oslo_concurrency": settings.locks(),
                "keystone_authtoken": settings.token_checks("glance"),
            }
        ),
    )
    s.write_web_server(
        settings, "glance", "glance.wsgi.api:application", threads=4
    )
