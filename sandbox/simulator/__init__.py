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


"""A GPU host without GPUs, for the agent to look at.

``host.SimulatedHost(folder)`` keeps in one folder what the agent reads::

    sys/     a sysfs tree
    proc/    boot id and boot time
    kmsg     a kernel log in the format of /dev/kmsg
    nvml/    libnvidia-ml.so.1, compiled here, and what it answers

and lets faults happen to it. ``python -m sandbox.simulator --help`` does the
same from a shell, while a sandbox runs.
"""
