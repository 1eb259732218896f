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
"""The texts of the panels and their translations.

``python -m tools.messages update`` writes what the sources say into
``gpubroker/dashboard/locale/*/LC_MESSAGES/django.po``; ``compile`` makes of
these the files that Django reads. So does whatever installs the package or
builds a wheel, so that no binary file has to be in the repository.
"""

from __future__ import annotations

import io
import pathlib
import sys
from collections.abc import Iterator
from typing import Any

from babel.messages import catalog
from babel.messages import extract
from babel.messages import mofile
from babel.messages import pofile
from setuptools.command import build_py

ROOT = pathlib.Path(__file__).resolve().parents[1]
PANELS = ROOT / "gpubroker" / "dashboard"
LANGUAGES = ("es", "pt_BR")

_KEYWORDS: dict[str, Any] = {
    **extract.DEFAULT_KEYWORDS,
    "gettext_lazy": None,
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
}

_HEADER = "# Brought here from the sources by tools/messages.py."

#: Lines of the header that only make noise in a diff.
_LEFT_OUT = tuple(
    f'"{name}:'
    for name in (
        "Generated-By",
        "Language-Team",
        "Last-Translator",
        "PO-Revision-Date",
        "POT-Creation-Date",
        "Report-Msgid-Bugs-To",
    )
)


class BuildPy(build_py.build_py):
    """Also with ``pip install -e``."""

    def run(self) -> None:
        compile_all()
        super().run()


def path(language: str) -> pathlib.Path:
    return PANELS / "locale" / language / "LC_MESSAGES" / "django.po"


def read(language: str) -> catalog.Catalog:
    with path(language).open("rb") as file:
        return pofile.read_po(file, locale=language)


def compile_all() -> None:
    for language in LANGUAGES:
        with path(language).with_suffix(".mo").open("wb") as file:
            mofile.write_mo(file, read(language))


def sources() -> catalog.Catalog:
    """Every text in the sources, none of them translated."""
    found = catalog.Catalog()
    for file in sorted(PANELS.rglob("*")):
        if file.suffix in (".py", ".html"):
            where = str(file.relative_to(ROOT))
            for _line, text, comments, context in _texts(file):
                found.add(
                    text,
                    locations=[(where, 0)],
                    auto_comments=comments,
                    context=context,
                )
    return found


def _texts(file: pathlib.Path) -> Iterator[tuple[int, Any, Any, Any]]:
    text = file.read_text()
    if file.suffix == ".html":
        # Imported here: to build the package needs no Django.
        from django.utils.translation import template

        # Python but for its indentation.
        lines = template.templatize(text).splitlines()
        text = "\n".join(line.strip() for line in lines)
    yield from extract.extract(
        "python", io.BytesIO(text.encode()), keywords=_KEYWORDS
    )


def update() -> None:
    found = sources()
    for language in LANGUAGES:
        target = path(language)
        target.parent.mkdir(parents=True, exist_ok=True)
        known = (
            read(language)
            if target.exists()
            else catalog.Catalog(locale=language)
        )
        known.update(found, no_fuzzy_matching=True)
        target.write_text(_text(known))


def _text(known: catalog.Catalog) -> str:
    """As it is kept: without what differs from one run to the next."""
    known.header_comment, known.project = _HEADER, "gpubroker"
    known.fuzzy, known.version = False, "1"
    written = io.BytesIO()
    pofile.write_po(
        written, known, width=79, sort_output=True, ignore_obsolete=True,
        include_lineno=False,
    )  # fmt: skip
    lines = written.getvalue().decode().splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith(_LEFT_OUT))


if __name__ == "__main__":
    {"update": update, "compile": compile_all}[sys.argv[1]]()
