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

"""openstack gpu offer ..."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any

from osc_lib import exceptions

from gpubroker.client.cli import base
from gpubroker.client.cli import columns
from gpubroker.client.sdk import offer


def cards_text(cards: dict[str, int] | None) -> str:
    """How many are free, and what the others do.

    >>> cards_text({"total": 8, "free": 5, "in_use": 2, "fenced": 1})
    '5 of 8 free, 2 in use, 1 fenced'
    """
    if not cards:
        return ""
    words = [f"{cards.get('free', 0)} of {cards.get('total', 0)} free"]
    for key, name in (("in_use", "in use"), ("fenced", "fenced")):
        if cards.get(key):
            words.append(f"{cards[key]} {name}")
    return ", ".join(words)


def why_text(blocked: Iterable[dict[str, Any]] | None) -> str:
    """One line for each thing that keeps cards back."""
    return "\n".join(
        str(entry.get("detail") or entry.get("reason"))
        for entry in blocked or ()
    )


def _where(hosts: Iterable[dict[str, Any]] | None) -> str:
    return "\n".join(
        f"{entry.get('host')}: {entry.get('free')} free"
        for entry in hosts or ()
    )


def _columns(by_model: bool) -> list[columns.Column]:
    chosen = [
        columns.Column(
            "GPU", lambda o: columns.words(o.models, separator=" or ")
        ),
        columns.Column("Count", "gpus"),
        columns.Column("Available Now", "available"),
        columns.Column(
            "Why Not More",
            lambda o: columns.Human(o.blocked or [], why_text(o.blocked)),
        ),
        columns.Column("Queued", "queued", long=True),
        columns.Column(
            "Cards",
            lambda o: columns.Human(o.cards, cards_text(o.cards)),
            long=True,
        ),
        columns.Column("Pools", "pools", long=True),
        columns.Column(
            "Hosts",
            lambda o: columns.Human(o.hosts or [], _where(o.hosts)),
            long=True,
        ),
    ]
    if not by_model:
        chosen.insert(0, columns.Column("Flavor", "flavor"))
    return chosen


class ListOffer(base.Lister):
    _description = "Show how many GPUs could start now, and why not more"
    examples = """
        Examples::

          openstack gpu offer list
          openstack gpu offer list --flavor vm.gpu.a100.2
          openstack gpu offer list --model a100 --gpus 2

        "Available Now" counts orders of one node that could all start at
        once.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        asked = parser.add_mutually_exclusive_group()
        asked.add_argument(
            "--flavor",
            metavar="<flavor>",
            help="Only this GPU flavor (name)",
        )
        asked.add_argument(
            "--model",
            metavar="<model>",
            help="Any way to get this model, whatever the flavor: its name "
            "(a100-sxm4-80gb) or its family (a100); goes with --gpus",
        )
        parser.add_argument(
            "--gpus",
            metavar="<count>",
            type=base.positive,
            help="GPUs in one server, with --model (default: 1)",
        )
        parser.add_argument(
            "--long",
            action="store_true",
            help="Also show the queue, the cards, the pools and, to "
            "operators, the hosts",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> columns.Table:
        if parsed_args.gpus and not parsed_args.model:
            raise exceptions.CommandError("--gpus goes with --model.")
        gpus = parsed_args.gpus
        if parsed_args.model and not gpus:
            gpus = 1
        offers: Iterable[offer.Offer] = self.broker.offers(
            flavor=parsed_args.flavor, model=parsed_args.model, gpus=gpus
        )
        return columns.table(
            offers,
            _columns(by_model=bool(parsed_args.model)),
            parsed_args.long,
        )
