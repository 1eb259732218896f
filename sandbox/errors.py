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

"""What the sandbox tells a person instead of a traceback."""


class SandboxError(Exception):
    """Something the person at the keyboard can act on, in plain words."""


class ServiceFailed(SandboxError):
    """A service of the cloud ended or did not become ready in time.

    :ivar service: name of the service.
    :ivar cause: one line that names the likely cause.
    :ivar log: path of its log file.
    :ivar tail: the last lines of that log, written since this start.
    """

    def __init__(
        self, service: str, cause: str, log: str, tail: list[str]
    ) -> None:
        self.service = service
        self.cause = cause
        self.log = log
        self.tail = tail
        super().__init__(f"{service}: {cause}")

    def report(self) -> str:
        """The end of the log, then the cause: last what matters most."""
        lines = [f"--- the end of {self.log}"]
        lines += [f"    {line}" for line in self.tail]
        lines += ["---", f"{self.service} failed: {self.cause}"]
        return "\n".join(lines)
