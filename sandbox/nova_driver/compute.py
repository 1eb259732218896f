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

"""nova-compute with the simulated hypervisor on its path.

Nova imports its drivers from below ``nova.virt`` only, so the folder
``virt`` beside this file is added to where that package looks.
"""

import pathlib
import sys

# In this order: the first chooses threads, not eventlet, for the process.
import nova.cmd.compute
import nova.virt

nova.virt.__path__.append(str(pathlib.Path(__file__).parent / "virt"))
sys.argv[0] = "nova-compute"
sys.exit(nova.cmd.compute.main())
