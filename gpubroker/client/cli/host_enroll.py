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

"""openstack gpu host enroll"""

from __future__ import annotations

import argparse
import pathlib

from osc_lib import exceptions

from gpubroker.client import enrolment
from gpubroker.client.cli import base
from gpubroker.client.cli import host
from gpubroker.client.cli import private_file


def snippet(credential: enrolment.Credential) -> str:
    """The agent's configuration for this host and this credential."""
    lines = [
        "# Made by: openstack gpu host enroll. Holds a secret.",
        "[agent]",
        _option("host", credential.host),
        "",
        "[agent_auth]",
        _option("auth_type", "v3applicationcredential"),
        _option("auth_url", credential.auth_url),
        _option("application_credential_id", credential.id),
        _option("application_credential_secret", credential.secret),
        _option("valid_interfaces", credential.interface),
    ]
    if credential.region:
        lines.append(_option("region_name", credential.region))
    if credential.cafile:
        lines.append("# As it was where the host was enrolled; on the host")
        lines.append("# itself the file may lie elsewhere.")
        lines.append(_option("cafile", credential.cafile))
    if credential.insecure:
        lines.append(_option("insecure", "true"))
    return "\n".join(lines) + "\n"


def _option(name: str, value: str) -> str:
    # oslo.config takes $name for a reference to another option.
    return f"{name} = {value.replace('$', '$$')}"


class EnrollHost(base.Command):
    _description = "Give the agent of a GPU host its credential (operators)"
    examples = """
        Examples::

          openstack gpu host enroll gpu-1 --mode manage \\
              --output gpu-1.conf
          openstack gpu host enroll gpu-1 > gpu-1.conf

        Makes the host known if it is not, a Keystone user
        "gpubroker-agent-<host>" with nothing but the role gpubroker_agent,
        and an application credential of that user. The configuration for
        the agent goes to the file or to standard output. Done again, it
        replaces the credential; the former one stops to work at once.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "host", metavar="<host>", help="Nova's name of the host"
        )
        host.add_options(parser, new=True)
        parser.add_argument(
            "--output",
            metavar="<file>",
            type=pathlib.Path,
            help="File to write, with mode 0600 (default: standard output)",
        )
        place = enrolment.Place()
        for option, default, text in (
            ("--role", place.role, "Role of agents"),
            ("--service-project", place.project, "Project of the role"),
            ("--service-domain", place.domain, "Domain of the user"),
            ("--interface", place.interface, "Endpoints the agent uses"),
        ):
            parser.add_argument(
                option,
                metavar="<name>",
                default=default,
                help=f"{text} (default: {default})",
            )
        parser.add_argument(
            "--auth-url",
            metavar="<url>",
            help="Keystone as the agent reaches it (default: as here)",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        output: pathlib.Path | None = parsed_args.output
        if output is not None and not output.absolute().parent.is_dir():
            raise exceptions.CommandError(
                f"There is no folder {output.absolute().parent}."
            )

        def keep(credential: enrolment.Credential) -> None:
            if output is None:
                self.app.stdout.write(snippet(credential))
                return
            try:
                private_file.write(output, snippet(credential))
            except OSError as error:
                raise exceptions.CommandError(
                    f"{output} can not be written: {error.strerror}."
                ) from error

        credential, replaced = enrolment.enroll(
            self.connection,
            self.broker,
            parsed_args.host,
            enrolment.Place(
                role=parsed_args.role,
                project=parsed_args.service_project,
                domain=parsed_args.service_domain,
                auth_url=parsed_args.auth_url,
                interface=parsed_args.interface,
            ),
            keep,
            **base.given(parsed_args, ("pool", "mode")),
        )
        self._say(credential, replaced, output)

    def _say(
        self,
        credential: enrolment.Credential,
        replaced: int,
        output: pathlib.Path | None,
    ) -> None:
        words = f"Host {credential.host} is enrolled"
        if replaced:
            words += f"; {replaced} former credential(s) no longer work"
        if output is not None:
            words += f". {output} is for its gpubroker-agent"
        # Not on standard output, which may be the configuration itself.
        self.app.stderr.write(f"{words}.\n")
