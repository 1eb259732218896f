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

"""Models and flavors in the store."""

from __future__ import annotations

import dataclasses

from gpubroker import errors
from gpubroker.services.paging import Page
from tests.functional.db import base
from tests.functional.db import samples


class ModelTests(base.Tests):
    def test_a_model_comes_back_as_it_went_in(self) -> None:
        with self.store.write() as tx:
            added = tx.models.add(samples.model())
        with self.store.read() as tx:
            self.assertEqual(added, tx.models.get("a100-sxm4-80gb"))
            self.assertEqual([added], tx.models.all())
        self.assertEqual(
            samples.model(),
            dataclasses.replace(
                added, generation=0, created_at=None, updated_at=None
            ),
        )

    def test_a_name_is_taken_once(self) -> None:
        with self.store.write() as tx:
            tx.models.add(samples.model())
            self.assertRaises(errors.Duplicate, tx.models.add, samples.model())
            # The transaction goes on, on PostgreSQL too.
            tx.models.add(samples.model("A100-SXM4-80GB"))
        with self.store.read() as tx:
            self.assertEqual(
                ["A100-SXM4-80GB", "a100-sxm4-80gb"],
                [model.name for model in tx.models.all()],
            )

    def test_the_second_of_two_updates_from_one_reading_loses(self) -> None:
        with self.store.write() as tx:
            read = tx.models.add(samples.model())
            won = tx.models.update(dataclasses.replace(read, memory_mib=1))
            self.assertEqual(read.generation + 1, won.generation)
            self.assertRaises(
                errors.ConcurrentUpdate,
                tx.models.update,
                dataclasses.replace(read, memory_mib=2),
            )
            self.assertEqual(won, tx.models.get(read.name))

    def test_what_is_not_there_is_not_found(self) -> None:
        with self.store.write() as tx:
            for call in (tx.models.get, tx.models.delete):
                self.assertRaises(errors.NotFound, call, "nope")
            self.assertRaises(
                errors.NotFound, tx.models.update, samples.model("nope")
            )

    def test_a_model_in_use_stays(self) -> None:
        with self.store.write() as tx:
            tx.models.add(samples.model())
            tx.models.add(samples.model("h100"))
            tx.flavors.add(samples.flavor())
            self.assertRaises(errors.InUse, tx.models.delete, "a100-sxm4-80gb")
            tx.models.delete("h100")
            tx.hosts.add(samples.host())
            tx.models.add(samples.model("l40s"))
            tx.devices.add(samples.device(model="l40s"))
            self.assertRaises(errors.InUse, tx.models.delete, "l40s")

    def test_filters(self) -> None:
        with self.store.write() as tx:
            tx.models.add(samples.model("a", family="a100"))
            tx.models.add(samples.model("b", family="h100"))
            tx.models.add(samples.model("c", family="x", vendor="amd"))
            for filters, names in (
                ({"family": "h100"}, ["b"]),
                ({"family": ("a100", "h100")}, ["a", "b"]),
                ({"vendor": "amd"}, ["c"]),
                ({"family": "a100", "vendor": "amd"}, []),
            ):
                found = tx.models.page(Page(filters=filters))
                self.assertEqual(names, [m.name for m in found.items])

    def test_text_that_not_every_engine_stores_is_invalid(self) -> None:
        for bad in ("a\x00b", "\ud800", "x" * 256):
            with self.assertRaises(errors.Invalid), self.store.write() as tx:
                tx.models.add(samples.model(bad))
            with self.assertRaises(errors.Invalid), self.store.read() as tx:
                tx.models.get(bad)


class FlavorTests(base.Tests):
    def setUp(self) -> None:
        super().setUp()
        with self.store.write() as tx:
            for name in ("a100-sxm4-80gb", "h100-sxm5-80gb", "l40s"):
                tx.models.add(samples.model(name))

    def test_a_flavor_comes_back_as_it_went_in(self) -> None:
        made = samples.flavor(
            models=("l40s", "a100-sxm4-80gb", "h100-sxm5-80gb"),
            traits=("B", "A"),
        )
        with self.store.write() as tx:
            added = tx.flavors.add(made)
        with self.store.read() as tx:
            by_name = tx.flavors.get(made.name)
            self.assertEqual(by_name, tx.flavors.get(made.id))
        self.assertEqual(made.models, by_name.models)
        self.assertEqual(("A", "B"), by_name.traits)
        self.assertEqual(
            dataclasses.replace(added, traits=("A", "B")), by_name
        )

    def test_the_order_of_models_can_be_changed(self) -> None:
        with self.store.write() as tx:
            read = tx.flavors.add(
                samples.flavor(models=("l40s", "a100-sxm4-80gb"))
            )
            wanted = ("a100-sxm4-80gb", "h100-sxm5-80gb", "l40s")
            tx.flavors.update(
                dataclasses.replace(read, name="new", models=wanted, traits=())
            )
        with self.store.read() as tx:
            stands = tx.flavors.get("new")
        self.assertEqual((wanted, ()), (stands.models, stands.traits))
        self.assertEqual(read.id, stands.id)

    def test_a_model_that_is_not_there_is_invalid(self) -> None:
        with self.store.write() as tx:
            error = self.assertRaises(
                errors.Invalid, tx.flavors.add, samples.flavor(models=("x",))
            )
        self.assertEqual("models", error.fields["field"])

    def test_a_name_or_id_is_taken_once(self) -> None:
        with self.store.write() as tx:
            one = tx.flavors.add(samples.flavor("one"))
            two = tx.flavors.add(samples.flavor("two"))
            for call, flavor in (
                (tx.flavors.add, samples.flavor("one")),
                (tx.flavors.add, samples.flavor("three", id=one.id)),
                (tx.flavors.update, dataclasses.replace(two, name="one")),
            ):
                self.assertRaises(errors.Duplicate, call, flavor)
            self.assertEqual(two, tx.flavors.get("two"))

    def test_the_id_wins_over_a_name_that_looks_like_it(self) -> None:
        with self.store.write() as tx:
            one = tx.flavors.add(samples.flavor("one"))
            tx.flavors.add(samples.flavor(one.id))
            self.assertEqual("one", tx.flavors.get(one.id).name)

    def test_stale_and_missing(self) -> None:
        with self.store.write() as tx:
            read = tx.flavors.add(samples.flavor())
            tx.flavors.update(read)
            self.assertRaises(errors.ConcurrentUpdate, tx.flavors.update, read)
            tx.flavors.delete(read.name)
            self.assertRaises(errors.NotFound, tx.flavors.get, read.name)
            self.assertRaises(errors.NotFound, tx.flavors.delete, read.id)
            self.assertRaises(errors.NotFound, tx.flavors.update, read)

    def test_filter_by_model(self) -> None:
        with self.store.write() as tx:
            tx.flavors.add(samples.flavor("a", models=("l40s",)))
            tx.flavors.add(
                samples.flavor("b", models=("h100-sxm5-80gb", "l40s"))
            )
            tx.flavors.add(samples.flavor("c", models=("a100-sxm4-80gb",)))
            for model, names in (
                ("l40s", ["a", "b"]),
                (("l40s", "a100-sxm4-80gb"), ["a", "b", "c"]),
                ("none", []),
            ):
                found = tx.flavors.page(Page(filters={"model": model}))
                self.assertEqual(names, [f.name for f in found.items])


ModelTestsOnSQLite, ModelTestsOnMariaDB, ModelTestsOnPostgreSQL = base.bound(
    ModelTests
)

FlavorTestsOnSQLite, FlavorTestsOnMariaDB, FlavorTestsOnPostgreSQL = (
    base.bound(FlavorTests)
)
