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

"""An ML2 mechanism driver for a cloud without a network below it.

Networks, subnets, addresses, security groups, quotas and the events to Nova
are real Neutron; only the switch is missing.  Runs in the environment of the
cloud, loaded by the entry point that ``sandbox.config.neutron`` writes.
"""

from neutron_lib import constants
from neutron_lib.api.definitions import portbindings
from neutron_lib.plugins.ml2 import api


class PortBinder(api.MechanismDriver):
    """Binds every port on every host as an agent would, at once."""

    connectivity = portbindings.CONNECTIVITY_L2

    def initialize(self):
        pass

    def bind_port(self, context):
        context.set_binding(
            context.segments_to_bind[0][api.ID],
            portbindings.VIF_TYPE_OVS,
            {
                portbindings.CAP_PORT_FILTER: True,
                portbindings.VIF_DETAILS_CONNECTIVITY: self.connectivity,
            },
            status=constants.PORT_STATUS_ACTIVE,
        )

    def update_port_postcommit(self, context):
        """Report the port's state as the agent on its host would.

        Binding does not cover two cases: the second binding of a live
        migration, and a person's own port whose server is gone.
        """
        port = context.current
        compute = port["device_owner"].startswith(
            constants.DEVICE_OWNER_COMPUTE_PREFIX
        )
        if context.host and not compute:
            return
        bound = context.host and (
            context.vif_type == portbindings.VIF_TYPE_OVS
        )
        wanted = (
            constants.PORT_STATUS_ACTIVE
            if bound and port["admin_state_up"]
            else constants.PORT_STATUS_DOWN
        )
        reported = (constants.PORT_STATUS_ACTIVE, constants.PORT_STATUS_DOWN)
        if port["status"] in reported and port["status"] != wanted:
            # ML2 offers drivers no public way to report a state.
            context._plugin.update_port_status(
                context.plugin_context, port["id"], wanted
            )
