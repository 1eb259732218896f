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

"""[keystone_authtoken]: how the API checks the tokens of its callers."""

from __future__ import annotations

from keystoneauth1 import loading
from oslo_config import cfg

from gpubroker import errors
from gpubroker.clouds import session

GROUP = "keystone_authtoken"


def sign_in(conf: cfg.ConfigOpts, timeout: float) -> None:
    """Get a token as keystonemiddleware does when a caller comes.

    :param timeout: seconds.
    :raises Unavailable: there is none to be had; Misconfigured: Keystone
        refuses the user.
    """
    loading.register_auth_conf_options(conf, GROUP)
    auth = loading.load_auth_from_conf_options(conf, GROUP)
    if auth is None:
        raise errors.Unavailable(f"[{GROUP}] names no auth_type.")
    loading.register_session_conf_options(conf, GROUP)
    found = loading.load_session_from_conf_options(
        conf, GROUP, auth=auth, timeout=timeout
    )
    session.ask("Keystone", session.Who.BROKER, found.get_token)
