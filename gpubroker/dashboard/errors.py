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

"""What a call of the service can come to, for the panels.

Not the SDK's own exceptions: Horizon takes any ``HttpException`` for a
session that is over, and would send a person who asked for too many GPUs
back to the login page (``openstack_dashboard.exceptions.UNAUTHORIZED``).

::

    BrokerError            it did not work; the text is for the person
    +-- NotFound           there is no such thing, or it is not theirs
    +-- SignInAgain        the token is no longer good
"""

from __future__ import annotations


class BrokerError(Exception):
    """:ivar field: the field of the order that was wrong, or ``None``.
    :ivar taken: whether there is another thing of that name.
    """

    def __init__(
        self, message: str, field: str | None = None, taken: bool = False
    ) -> None:
        super().__init__(message)
        self.field = field
        self.taken = taken


class NotFound(BrokerError):
    pass


class SignInAgain(BrokerError):
    pass
