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

"""What the commands have in common."""

from __future__ import annotations

import argparse
import logging
import re
import textwrap
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

from openstack import connection
from openstack import exceptions as sdk_exceptions
from osc_lib import exceptions
from osc_lib.command import command

from gpubroker.client.cli import columns

if TYPE_CHECKING:
    from openstack.identity.v3 import _proxy as identity_v3

    from gpubroker.client import sdk

LOG = logging.getLogger(__name__)

T = TypeVar("T")


class HelpFormatter(argparse.HelpFormatter):
    """Keeps examples as they were written; fills everything else."""

    def _split_lines(self, text: str, width: int) -> list[str]:
        wrapped: list[str] = []
        for line in text.splitlines():
            wrapped.extend(super()._split_lines(line, width))
        return wrapped

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        paragraphs = re.split(r"\n[ ]*\n", text)
        return "\n\n".join(
            paragraph
            if paragraph.startswith("  ")
            else super(HelpFormatter, self)._fill_text(
                paragraph.replace("::", ":"), width, indent
            )
            for paragraph in paragraphs
        )


class Command(command.Command):
    """A command of the gpu-broker service."""

    #: Shown under the options: examples, and what is good to know.
    examples = ""

    def get_epilog(self) -> str:
        ours = textwrap.dedent(self.examples).strip()
        return "\n\n".join(filter(None, (ours, super().get_epilog())))

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.formatter_class = HelpFormatter
        return parser

    @property
    def broker(self) -> sdk.Proxy:
        # The plugin puts it there; the class of the manager knows only
        # the services of the client itself.
        return cast("sdk.Proxy", getattr(self.app.client_manager, "gpubroker"))

    @property
    def connection(self) -> connection.Connection:
        return self.app.client_manager.sdk_connection


class Lister(Command, command.Lister):
    """A command that shows a list."""


class ShowOne(Command, command.ShowOne):
    """A command that shows one thing.

    A table leaves out what has no value, unless it was asked for; other
    formats always have every field.
    """

    def produce_output(
        self,
        parsed_args: argparse.Namespace,
        column_names: Sequence[str],
        data: Sequence[Any],
    ) -> int:
        if parsed_args.formatter == "table" and not parsed_args.columns:
            shown = [
                (name, value)
                for name, value in zip(column_names, data, strict=True)
                if columns.words_of(value) != ""
            ]
            column_names = [name for name, _ in shown]
            data = [value for _, value in shown]
        return super().produce_output(parsed_args, column_names, data)


def each(noun: str, keys: Iterable[str], act: Callable[[str], Any]) -> None:
    """Do the same to several things; one that fails stops no other.

    :raises CommandError: at the end, when any failed. The reason of a
        single failure is its text; several are logged one by one.
    """
    asked = list(keys)
    failed: list[Exception] = []
    for key in asked:
        try:
            act(key)
        except (sdk_exceptions.SDKException, exceptions.CommandError) as error:
            failed.append(error)
            if len(asked) > 1:
                LOG.error("%s: %s", key, error)
    if not failed:
        return
    if len(asked) == 1:
        raise exceptions.CommandError(str(failed[0])) from failed[0]
    raise exceptions.CommandError(
        f"{len(failed)} of {len(asked)} {noun} failed."
    )


def found(find: Callable[..., T | None], key: str, **query: Any) -> T:
    """What a ``find_...`` call of the SDK finds.

    :raises openstack.exceptions.SDKException: when there is no such thing.
    """
    thing = find(key, ignore_missing=False, **query)
    if thing is None:
        raise exceptions.CommandError(f"There is no {key!r}.")
    return thing


def given(
    parsed_args: argparse.Namespace, names: Iterable[str]
) -> dict[str, Any]:
    """The options that were given; the others are left to the service."""
    values = ((name, getattr(parsed_args, name)) for name in names)
    return {name: value for name, value in values if value is not None}


def changes(attrs: dict[str, Any]) -> dict[str, Any]:
    """:raises CommandError: when there is nothing to change."""
    if not attrs:
        raise exceptions.CommandError(
            "Nothing to change: give at least one option."
        )
    return attrs


def positive(text: str) -> int:
    """Read a whole number of at least 1.

    :raises argparse.ArgumentTypeError: with a sentence for people.
    """
    return _number(text, 1)


def natural(text: str) -> int:
    """Read a whole number of at least 0.

    :raises argparse.ArgumentTypeError: with a sentence for people.
    """
    return _number(text, 0)


def _number(text: str, least: int) -> int:
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", text.strip()):
        raise argparse.ArgumentTypeError(
            f"{text[:40]!r} is not a whole number"
        )
    number = int(text)
    if number < least:
        raise argparse.ArgumentTypeError(f"{number} is less than {least}")
    return number


def add_long(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--long", action="store_true", help="Show more columns"
    )


def add_all_projects(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument(
        "--all-projects",
        action="store_true",
        help=f"{what} (operators only)",
    )


def add_project_options(parser: argparse.ArgumentParser) -> None:
    scope = parser.add_mutually_exclusive_group()
    scope.add_argument(
        "--all-projects",
        action="store_true",
        help="Those of every project (operators only)",
    )
    scope.add_argument(
        "--project",
        metavar="<project>",
        help="Only those of this project, name or ID (operators only)",
    )


def project_query(
    conn: connection.Connection, parsed_args: argparse.Namespace
) -> dict[str, Any]:
    """The filters for the options of :func:`add_project_options`."""
    if parsed_args.project:
        return {"project_id": project_id(conn, parsed_args.project)}
    return {"all_projects": True} if parsed_args.all_projects else {}


def project_id(conn: connection.Connection, name_or_id: str) -> str:
    """:raises CommandError: when there is no such project."""
    identity = cast("identity_v3.Proxy", conn.identity)
    try:
        found = identity.find_project(name_or_id, ignore_missing=False)
    except sdk_exceptions.NotFoundException:
        raise exceptions.CommandError(
            f"There is no project {name_or_id!r}."
        ) from None
    return str(found.id)


def project_ids(
    conn: connection.Connection, names_or_ids: Iterable[str]
) -> list[str]:
    """:raises CommandError: when one of them is no project."""
    return [project_id(conn, one) for one in names_or_ids]


def add_paging_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--limit",
        metavar="<count>",
        type=positive,
        help="Show at most so many (default: all)",
    )
    parser.add_argument(
        "--marker",
        metavar="<id>",
        help="Begin after this one, the last of a list before",
    )


def paging_query(parsed_args: argparse.Namespace) -> dict[str, Any]:
    """The arguments of a list for :func:`add_paging_options`."""
    return {"max_items": parsed_args.limit, "marker": parsed_args.marker}
