#!/bin/bash
#
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

# devstack/plugin.sh - what DevStack calls: source plugin.sh MODE [PHASE]

# Save trace setting; what is done here belongs into DevStack's log.
_XTRACE_GPUBROKER_PLUGIN=$(set +o | grep xtrace)
set -o xtrace

# shellcheck source=devstack/lib/gpubroker
source "$GPUBROKER_DIR/devstack/lib/gpubroker"

if is_service_enabled gpubroker; then
    case "$1 ${2:-}" in
        "stack pre-install")
            check_gpubroker_settings
            ;;
        "stack install")
            echo_summary "Installing gpubroker"
            install_gpubroker
            ;;
        "stack post-config")
            echo_summary "Configuring gpubroker"
            configure_gpubroker
            if is_service_enabled gpubroker-api; then
                create_gpubroker_accounts
            fi
            ;;
        "stack extra")
            echo_summary "Starting gpubroker"
            if is_service_enabled gpubroker-api; then
                init_gpubroker
            fi
            start_gpubroker
            start_gpubroker_hosts
            fill_gpubroker
            ;;
        "stack test-config")
            configure_gpubroker_tempest
            ;;
        "unstack ")
            stop_gpubroker
            ;;
        "clean ")
            cleanup_gpubroker
            ;;
    esac
fi

# Restore xtrace
$_XTRACE_GPUBROKER_PLUGIN
