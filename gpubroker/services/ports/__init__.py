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

"""How the use cases see the world: what db, rpc and clouds have to offer.

Nothing here knows SQL, HTTP or a message bus. ``db`` implements ``Store``,
``clouds`` the ports on OpenStack services, ``rpc`` the ``Bell``, ``metrics``
the ``Meter``.
"""

from gpubroker.services.ports.census import Census
from gpubroker.services.ports.leases import Claims
from gpubroker.services.ports.leases import Events
from gpubroker.services.ports.leases import Leases
from gpubroker.services.ports.leases import Steps
from gpubroker.services.ports.leases import Trusts
from gpubroker.services.ports.ledger import Inventories
from gpubroker.services.ports.ledger import Inventory
from gpubroker.services.ports.ledger import Ledger
from gpubroker.services.ports.ledger import Provider
from gpubroker.services.ports.meter import Meter
from gpubroker.services.ports.meter import Outcome
from gpubroker.services.ports.meter import Trouble
from gpubroker.services.ports.meter import Uncounted
from gpubroker.services.ports.outside import HIDDEN
from gpubroker.services.ports.outside import Checked
from gpubroker.services.ports.outside import Compute
from gpubroker.services.ports.outside import ComputeService
from gpubroker.services.ports.outside import Identity
from gpubroker.services.ports.outside import Server
from gpubroker.services.ports.outside import ServerSpec
from gpubroker.services.ports.outside import ShapeSpec
from gpubroker.services.ports.outside import Size
from gpubroker.services.ports.outside import UserCloud
from gpubroker.services.ports.purge import Purge
from gpubroker.services.ports.store import Devices
from gpubroker.services.ports.store import Failures
from gpubroker.services.ports.store import Fences
from gpubroker.services.ports.store import Flavors
from gpubroker.services.ports.store import Hosts
from gpubroker.services.ports.store import Installation
from gpubroker.services.ports.store import Models
from gpubroker.services.ports.store import Pools
from gpubroker.services.ports.store import Standing
from gpubroker.services.ports.store import Store
from gpubroker.services.ports.store import Traits
from gpubroker.services.ports.store import Transaction
from gpubroker.services.ports.store import Workers
from gpubroker.services.ports.wake import Bell
from gpubroker.services.ports.wake import Clock

__all__ = [
    "HIDDEN",
    "Bell",
    "Census",
    "Checked",
    "Claims",
    "Clock",
    "Compute",
    "ComputeService",
    "Devices",
    "Events",
    "Failures",
    "Fences",
    "Flavors",
    "Hosts",
    "Identity",
    "Installation",
    "Inventories",
    "Inventory",
    "Leases",
    "Ledger",
    "Meter",
    "Models",
    "Outcome",
    "Pools",
    "Provider",
    "Purge",
    "Server",
    "ServerSpec",
    "ShapeSpec",
    "Size",
    "Standing",
    "Steps",
    "Store",
    "Traits",
    "Transaction",
    "Trouble",
    "Trusts",
    "Uncounted",
    "UserCloud",
    "Workers",
]
