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

"""gpubroker-audit: a look from outside at what the broker has done.

Knows nothing of the broker but its public API and the names of what it
leaves in other services. It imports no other room and no other room imports
it, so that a fault of the broker is not also a fault of the auditor. It only
ever reads.
"""
