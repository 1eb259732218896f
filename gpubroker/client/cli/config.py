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

"""openstack gpu config render"""

from __future__ import annotations

import argparse
import pathlib

from osc_lib import exceptions

from gpubroker.client.cli import base

#: Names of their own: the folder may be the one that Nova reads.
NOVA_CONF = "nova-gpubroker.conf"
PROVIDER_YAML = "provider-gpubroker.yaml"


class RenderConfig(base.Command):
    _description = (
        "Print what a host's nova.conf and provider.yaml need for its GPUs "
        "(operators only)"
    )
    examples = f"""
        Examples::

          openstack gpu config render --host gpu-1
          openstack gpu config render --host gpu-1 --nova-conf
          openstack gpu config render --host gpu-1 --output-dir ./gpu-1

        With --output-dir the files are {NOVA_CONF} and
        {PROVIDER_YAML}; the latter belongs into the folder of Nova's
        option [compute] provider_config_location.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--host",
            metavar="<host>",
            required=True,
            help="Host (name)",
        )
        which = parser.add_mutually_exclusive_group()
        which.add_argument(
            "--nova-conf",
            action="store_true",
            help="Only the lines for nova.conf",
        )
        which.add_argument(
            "--provider-yaml",
            action="store_true",
            help="Only the provider.yaml",
        )
        parser.add_argument(
            "--output-dir",
            metavar="<folder>",
            type=pathlib.Path,
            help="Write files there instead, one for each",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        found = self.broker.host_config(parsed_args.host)
        files = {}
        if not parsed_args.provider_yaml:
            files[NOVA_CONF] = found.nova_conf
        if not parsed_args.nova_conf:
            files[PROVIDER_YAML] = found.provider_yaml
        if parsed_args.output_dir is not None:
            self._write(parsed_args.output_dir, files)
            return
        for name, text in files.items():
            if len(files) > 1:
                # Both formats take this for a comment.
                self.app.stdout.write(f"# ----- {name} -----\n")
            self.app.stdout.write(text.rstrip("\n") + "\n")

    def _write(self, folder: pathlib.Path, files: dict[str, str]) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name, text in files.items():
                (folder / name).write_text(text, encoding="utf-8")
                self.app.stderr.write(f"{folder / name}\n")
        except OSError as error:
            raise exceptions.CommandError(
                f"{error.filename} can not be written: {error.strerror}."
            ) from error
