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
"""Every text of the panels is there in every language."""

from __future__ import annotations

import pathlib
import string
from collections.abc import Iterator

import horizon
import openstack_dashboard
import testtools
from babel.messages import pofile

from tools import messages


class MessagesTest(testtools.TestCase):
    def test_nothing_is_untranslated(self) -> None:
        wanted = {
            (one.context, one.id) for one in messages.sources() if one.id
        }
        self.assertGreater(len(wanted), 100)
        for language in messages.LANGUAGES:
            known = {
                (one.context, one.id)
                for one in messages.read(language)
                if one.id and one.string and all(one.string) and not one.fuzzy
            }
            self.assertEqual(set(), wanted - known, language)

    def test_nothing_is_kept_that_nobody_says_any_more(self) -> None:
        wanted = {(one.context, one.id) for one in messages.sources()}
        for language in messages.LANGUAGES:
            known = {
                (one.context, one.id)
                for one in messages.read(language)
                if one.id
            }
            self.assertEqual(set(), known - wanted, language)

    def test_translations_have_the_blanks_of_the_texts(self) -> None:
        for language in messages.LANGUAGES:
            found = [
                f"{language} {one.id}: {error}"
                for one in messages.read(language)
                for error in one.check()
            ]
            self.assertEqual([], found)

    def test_translations_end_as_the_texts_do(self) -> None:
        """A sentence stays a sentence, a label a label."""
        for language in messages.LANGUAGES:
            for one in messages.read(language):
                if isinstance(one.id, str) and one.id:
                    last = (
                        one.id[-1] if one.id[-1] in string.punctuation else ""
                    )
                    self.assertTrue(
                        one.string.endswith(last), f"{language}: {one.id}"
                    )

    def test_horizon_keeps_its_own_words(self) -> None:
        """A plugin's come first: what differs needs a context."""
        for language in messages.LANGUAGES:
            theirs = dict(_horizons(language))
            self.assertGreater(len(theirs), 500)
            found = [
                one.id
                for one in messages.read(language)
                if not one.context
                and theirs.get(_first(one.id))
                not in (None, _first(one.string))
            ]
            self.assertEqual([], found, language)


def _first(text: str | tuple[str, ...]) -> str:
    """The singular."""
    return (text if isinstance(text, str) else text[0]).strip()


def _horizons(language: str) -> Iterator[tuple[str, str]]:
    for package in (horizon, openstack_dashboard):
        path = pathlib.Path(
            package.__path__[0], "locale", language, "LC_MESSAGES", "django.po"
        )
        for one in pofile.read_po(path.open("rb")):
            if one.id and one.string and not one.context:
                yield _first(one.id), _first(one.string)
