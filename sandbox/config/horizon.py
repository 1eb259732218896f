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

"""Horizon's configuration.

Nothing is written into its package: the folder ``local``, which Horizon looks
for on the path of Python, is one of this sandbox's own, and adds gpubroker's
panels as ``doc/source/install/horizon.rst`` tells.
"""

from sandbox import layout as layouts
from sandbox import ports as tcp
from sandbox.config import settings as s

_SETTINGS = """\
from openstack_dashboard import settings as _horizon
from openstack_dashboard.local import enabled as _enabled
from gpubroker.dashboard import enabled as _gpubroker

_enabled.__path__ += _gpubroker.__path__

DEBUG = False
ALLOWED_HOSTS = [{host!r}, "localhost"]
SECRET_KEY = {secret!r}
OPENSTACK_KEYSTONE_URL = {keystone!r}
OPENSTACK_KEYSTONE_DEFAULT_ROLE = "member"
TIME_ZONE = "UTC"
STATIC_ROOT = {static!r}
COMPRESS_OFFLINE = True
AVAILABLE_THEMES = [
    ("default", "Default", "themes/default"),
    ("material", "Material", "themes/material"),
    ("dark", "Dark", {dark!r}),
]
MIDDLEWARE = ("whitenoise.middleware.WhiteNoiseMiddleware",) + tuple(
    _horizon.MIDDLEWARE
)
# One process: what it knows of a session stays in its memory. The compressor
# keeps entries there, too, which must not push the sessions out.
LOGGING = {{
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {{
        "plain": {{
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
        }},
    }},
    "handlers": {{
        "console": {{
            "class": "logging.StreamHandler",
            "formatter": "plain",
        }},
    }},
    "root": {{"handlers": ["console"], "level": "WARNING"}},
    # Of the panels and of what they ask with: see tests/cloud/secrets.py.
    "loggers": {{
        name: {{"level": "DEBUG"}}
        for name in ("gpubroker", "keystoneauth", "openstack", "urllib3")
    }},
}}
SESSION_ENGINE = "django.contrib.sessions.backends.cache"
CACHES = {{
    "default": {{
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "OPTIONS": {{"MAX_ENTRIES": 100000}},
    }}
}}
"""


def environment(settings: s.Settings) -> dict[str, str]:
    """Of Horizon, and of the commands of Django that prepare it."""
    return {
        "PYTHONPATH": str(settings.layout.config / "horizon" / "site"),
        "DJANGO_SETTINGS_MODULE": "openstack_dashboard.settings",
    }


def write(settings: s.Settings) -> None:
    s.write(settings, "horizon", "site/local/__init__.py", "")
    s.write(
        settings,
        "horizon",
        "site/local/local_settings.py",
        _SETTINGS.format(
            host=tcp.HOST,
            secret=settings.passwords["horizon"],
            keystone=settings.auth_url,
            static=str(settings.layout.horizon),
            dark=str(layouts.ROOT / "sandbox" / "horizon_theme"),
        ),
    )
    s.write_web_server(
        settings, "horizon", "openstack_dashboard.wsgi:application", threads=8
    )
