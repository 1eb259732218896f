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


"""An image that does not fit is refused before the order waits for GPUs."""

from __future__ import annotations

from gpubroker import errors
from tests.unit.clouds import wire

IMAGE = "image-1"
GIB = 2**30


class Fits(wire.WireCase):
    def image(self, **more):
        self.wire.get(
            f"{wire.GLANCE}/v2/images/{IMAGE}",
            json={"status": "active", **more},
        )

    def check(self, ram_mib=1024, disk_gib=10, **more):
        cloud = self.clouds.identity.with_token("t", wire.token(wire.USER))
        cloud.check({"image": IMAGE, **more}, ram_mib, disk_gib)

    def refused(self, words, *sizes, **more):
        raised = self.assertRaises(errors.Invalid, self.check, *sizes, **more)
        self.assertEqual("workload.image", raised.fields["field"])
        self.assertIn(words, raised.message)

    def test_memory(self):
        self.image(min_ram=1024)
        self.check(1024)
        self.refused("needs 1024 MiB of memory; the flavor has 1023", 1023)

    def test_disk(self):
        self.image(min_disk=10, size=5 * GIB)
        self.check(1024, 10)
        self.refused("needs a disk of 10 GiB; the flavor's disk has 9", 1, 9)

    def test_the_image_itself_counts_packed_or_not(self):
        self.image(min_disk=0, size=9 * GIB + 1)
        self.check(1024, 10)
        self.refused("10 GiB", 1024, 9)
        self.image(size=GIB, virtual_size=20 * GIB)
        self.refused("20 GiB", 1024, 10)
        self.image(size=None, virtual_size=None)
        self.check()

    def test_a_boot_volume_counts_in_place_of_the_disk(self):
        self.image(min_disk=20)
        self.check(boot_volume_gib=20)
        self.refused("the boot volume has 19", boot_volume_gib=19)
        self.check(1024, 0, boot_volume_gib=20)

    def test_a_disk_of_0_is_of_no_size(self):
        """Nova compares nothing with it; its policy says who may have it."""
        self.image(min_disk=20)
        self.check(1024, 0)
