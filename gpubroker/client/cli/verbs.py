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

"""The verbs that most nouns have: list, show, create, set and delete.

A noun says in a class of its own how it is called, found and shown; each of
its commands is that class together with a verb.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

from gpubroker.client.cli import base
from gpubroker.client.cli import columns


class Noun(base.Command):
    """A command on things of one kind.

    :cvar noun: the word for one, after which the calls of the SDK are named.
    :cvar named: help text of the argument that names one.
    """

    noun: ClassVar[str]
    named: ClassVar[str]

    def call(self, verb: str) -> Callable[..., Any]:
        """The call of the SDK for a verb, such as ``find_pool``."""
        made: Callable[..., Any] = getattr(self.broker, f"{verb}_{self.noun}")
        return made

    def find(self, key: str) -> Any:
        """:raises openstack.exceptions.SDKException: when there is none."""
        return base.found(self.call("find"), key)

    def record(self, thing: Any, /) -> columns.Record:
        """The thing as ``show`` has it."""
        raise NotImplementedError


class Named(Noun):
    """A command on one thing that is named on the command line."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            self.noun, metavar=f"<{self.noun}>", help=self.named
        )
        return parser

    def meant(self, parsed_args: argparse.Namespace) -> Any:
        return self.find(getattr(parsed_args, self.noun))


class List(base.Lister):
    """Lists things.

    :cvar shown: the columns; ``--long`` is offered where one of them needs
        it.
    """

    shown: ClassVar[Sequence[columns.Column]]

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        self.add_filters(parser)
        base.add_paging_options(parser)
        if any(column.long for column in self.shown):
            base.add_long(parser)
        return parser

    def add_filters(self, parser: argparse.ArgumentParser) -> None:
        """The options that say which things are meant, if there are any."""

    def things(
        self, parsed_args: argparse.Namespace, **page: Any
    ) -> Iterable[Any]:
        """:param page: what the call of the SDK needs for paging."""
        raise NotImplementedError

    def take_action(self, parsed_args: argparse.Namespace) -> columns.Table:
        found = self.things(parsed_args, **base.paging_query(parsed_args))
        long = getattr(parsed_args, "long", False)
        return columns.table(found, self.shown, long)


class Show(Named, base.ShowOne):
    def take_action(self, parsed_args: argparse.Namespace) -> columns.Record:
        return self.record(self.meant(parsed_args))


class Create(Noun, base.ShowOne):
    """Makes a thing and shows it.

    :cvar name: metavar and help text of the argument that names it.
    """

    name: ClassVar[tuple[str, str]] = ("<name>", "Name")

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        metavar, text = self.name
        parser.add_argument("name", metavar=metavar, help=text)
        self.add_options(parser)
        return parser

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        raise NotImplementedError

    def attrs(self, parsed_args: argparse.Namespace) -> dict[str, Any]:
        """The fields of the new thing, without its name."""
        raise NotImplementedError

    def take_action(self, parsed_args: argparse.Namespace) -> columns.Record:
        attrs = self.attrs(parsed_args)
        made = self.call("create")(name=parsed_args.name, **attrs)
        return self.record(made)


class Set(Named):
    """Changes a thing."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        self.add_options(parser)
        return parser

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        raise NotImplementedError

    def attrs(
        self, parsed_args: argparse.Namespace, thing: Any, /
    ) -> dict[str, Any]:
        """The fields to change.

        :param thing: as it is now.
        """
        raise NotImplementedError

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        thing = self.meant(parsed_args)
        attrs = base.changes(self.attrs(parsed_args, thing))
        self.call("update")(thing, **attrs)


class Delete(Noun):
    """Deletes several things; one that fails stops no other.

    :cvar several: help text of the argument that names them.
    """

    several: ClassVar[str]

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            f"{self.noun}s",
            metavar=f"<{self.noun}>",
            nargs="+",
            help=self.several,
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        base.each(
            f"{self.noun}s",
            getattr(parsed_args, f"{self.noun}s"),
            lambda key: self.call("delete")(
                self.find(key), ignore_missing=False
            ),
        )
