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

"""Placement's configuration."""

from sandbox.config import settings as s


def write(settings: s.Settings) -> None:
    s.write(
        settings,
        "placement",
        "placement.conf",
        s.ini(
            {
                "api": {"auth_strategy": "keystone"},
                "placement": {
                    # Placement 14 to 16 gives a device out twice when it
                    # retries a generation conflict by itself: leave that to
                    # the client (install guide).
                    "allocation_conflict_retry_count": 1,
                    # Without a limit eight GPUs of one alias on a free host
                    # are 8! = 40320 candidates, and breadth-first spreads
                    # what is left over all hosts.
                    "max_allocation_candidates": 1000,
                    "allocation_candidates_generation_strategy": (
                        "breadth-first"
                    ),
                },
                "workarounds": {"optimize_for_wide_provider_trees": True},
                "placement_database": {
                    "connection": settings.database("placement")
                },
                "keystone_authtoken": settings.token_checks("placement"),
            }
        ),
    )
    s.write_no_rules(settings, "placement")
    s.write_web_server(
        settings, "placement", "placement.wsgi.api:application", threads=8
    )
