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
#
# phases.sh stack|unstack|clean - call the plugin as stack.sh, unstack.sh and
# clean.sh do: with the same functions and libraries, in the same order.
#
# What those scripts do for other services is left out: these run already, or
# are started here by the lines marked "sandbox". Run in the scratch root
# (enter.sh), with the variables of inputs.env.

# What it reads is in the checkout, and what it sets is read there.
# shellcheck disable=SC1090,SC1091,SC2034

MODE=$1
TOP_DIR=$DEVSTACK_CHECKOUT
FILES=$TOP_DIR/files
unset LANG LANGUAGE
LC_ALL=C.UTF-8
export LC_ALL
export MYSQL_TCP_PORT

# As in stack.sh.
function echo_summary {
    echo -e "$@"
}

source "$TOP_DIR/functions"
if [[ "$MODE" == "clean" ]]; then
    source "$TOP_DIR/stackrc"
    source "$TOP_DIR/lib/database"
else
    source "$TOP_DIR/lib/database"
    source "$TOP_DIR/stackrc"
fi
source "$TOP_DIR/lib/rpc_backend"
DATA_DIR=${DATA_DIR:-${DEST}/data}

function err_trap {
    local r=$?
    set +o xtrace
    echo "phases.sh: $MODE failed with $r"
    exit $r
}

trap err_trap ERR
set -o errexit

GetDistro
initialize_database_backends
define_database_baseurl
if [[ "$MODE" == "stack" ]]; then
    mkdir -p "$DEST" "$DATA_DIR"
    async_init
    fetch_plugins
fi
run_phase override_defaults
for library in apache tls infra libraries lvm horizon keystone glance nova \
    placement cinder swift neutron; do
    source "$TOP_DIR/lib/$library"
done
run_phase source

# sandbox: where its Keystone, RabbitMQ and Nova are. DevStack has the path
# of the first and the port of the second written into its functions.
KEYSTONE_SERVICE_URI=$SANDBOX_KEYSTONE
NOVA_BIN_DIR=$SANDBOX_CLOUD_BIN
Q_PLUGIN_CONF_FILE=etc/neutron/plugins/ml2/ml2_conf.ini
function get_transport_url {
    echo "$SANDBOX_TRANSPORT$1"
}

# sandbox: Tempest's file is made anew in its phase, as by its own function;
# the rest of that needs Tempest.
function configure_tempest {
    rm -f "$TEMPEST_CONFIG"
    iniset "$TEMPEST_CONFIG" service_available nova True
}

function install_tempest_plugins {
    :
}

# sandbox: Nova's API and scheduler, from DevStack's own files.
function sandbox_start_nova {
    run_process n-api "$NOVA_BIN_DIR/gunicorn" "" "" "OS_NOVA_CONFIG_DIR=$NOVA_CONF_DIR GUNICORN_CMD_ARGS=--config=$SANDBOX_NOVA_GUNICORN"
    run_process n-sch "$NOVA_BIN_DIR/nova-scheduler --config-file $NOVA_CONF"
    if ! wait_for_service "$SERVICE_TIMEOUT" "$NOVA_SERVICE_PROTOCOL://$SERVICE_HOST/compute/v2.1/"; then
        die $LINENO "nova-api did not start"
    fi
    cp "$NOVA_CONF" "$NOVA_CPU_CONF"
    inidelete "$NOVA_CPU_CONF" database connection
    inidelete "$NOVA_CPU_CONF" api_database connection
}

set -o xtrace
case "$MODE" in
    stack)
        # As install_python does, which installs it first.
        PYTHON=$(which "python$PYTHON3_VERSION")
        export PYTHON
        setup_devstack_virtualenv
        # sandbox: what other services bring: Glance and Neutron the first
        # (Debian's, which may be on the path, is too old for the others),
        # Keystone the second.
        pip_install pyOpenSSL python-memcached
        run_plugins stack pre-install
        run_plugins stack install
        install_apache_uwsgi
        write_clouds_yaml
        export OS_CLOUD=devstack-admin
        # sandbox: behind Apache, as DevStack's own Nova is.
        write_local_proxy_http_config nova-api "$SANDBOX_NOVA" /compute
        iniset "$NOVA_CONF" filter_scheduler enabled_filters "$NOVA_FILTERS"
        run_plugins stack post-config
        sandbox_start_nova
        run_plugins stack extra
        # With what DevStack itself does for Tempest in this phase.
        run_phase stack test-config
        ;;
    unstack)
        run_phase unstack
        stop_process n-api
        stop_process n-sch
        ;;
    clean)
        # As in clean.sh: unstack.sh does its thing first, and files of all
        # services go last.
        run_phase unstack
        run_phase clean
        sudo rm -rf "$NOVA_CONF_DIR" "$PLACEMENT_CONF_DIR" /etc/neutron "$DATA_DIR"
        sudo find "$SYSTEMD_DIR" -type f -name '*devstack@*service' -delete
        ;;
esac
