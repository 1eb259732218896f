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

import testtools

from gpubroker.clouds import login


class LoginTests(testtools.TestCase):
    def test_the_images_own_word_comes_first(self):
        image = {"os_admin_user": "core", "os_distro": "ubuntu"}
        self.assertEqual("core", login.user(image))

    def test_by_distribution(self):
        for distro, release, user in (
            ("ubuntu", "24.04", "ubuntu"),
            ("Debian", "13", "debian"),
            ("rhel", "9.6", "cloud-user"),
            ("rocky", None, "rocky"),
            ("centos", "7", "centos"),
            ("centos", "7.9", "centos"),
            ("centos", "9-stream", "cloud-user"),
            ("centos", "10", "cloud-user"),
        ):
            image = {"os_distro": distro, "os_version": release}
            self.assertEqual(user, login.user(image), image)

    def test_what_is_not_known_is_not_guessed(self):
        for image in (
            {},
            {"os_distro": None},
            {"os_distro": "plan9"},
            {"os_distro": "centos"},
            {"os_distro": "centos", "os_version": "stream"},
        ):
            self.assertIsNone(login.user(image), image)

    def test_nothing_gets_into_a_command_that_is_no_name(self):
        for name in ("x; rm -rf ~", "-oProxyCommand=x", "a b", "u@h", "n\n"):
            image = {"os_admin_user": name, "os_distro": "ubuntu"}
            self.assertIsNone(login.user(image), name)
