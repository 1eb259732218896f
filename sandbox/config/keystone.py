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

"""Keystone's configuration."""

from sandbox.config import settings as s


def write(settings: s.Settings) -> None:
    keys = settings.layout.data / "keystone"
    s.write(
        settings,
        "keystone",
        "keystone.conf",
        s.ini(
            {
                "DEFAULT": {"public_endpoint": settings.ports.url("keystone")},
                "database": {"connection": settings.database("keystone")},
                "token": {"provider": "fernet"},
                "fernet_tokens": {"key_repository": str(keys / "fernet")},
                "fernet_receipts": {"key_repository": str(keys / "fernet")},
                "credential": {"key_repository": str(keys / "credential")},
                # The cheapest that bcrypt allows: service users sign in
                # often, and the passwords are long and random.
                "identity": {
                    "password_hash_algorithm": "bcrypt",
                    "password_hash_rounds": 4,
                },
                # Else each look at a token is twenty-five statements: a
                # quarter of all that the tests' cloud had to compute. As
                # other clouds have memcached; this one is one process, so
                # that what is revoked is revoked at once.
                "cache": {
                    "enabled": "true",
                    "backend": "dogpile.cache.memory_pickle",
                },
            }
        ),
    )
    s.write_no_rules(settings, "keystone")
    s.write_web_server(
        settings,
        "keystone",
        "keystone.wsgi.api:application",
        threads=16,
    )
