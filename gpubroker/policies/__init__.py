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


"""Policies in code: who may do what, unless an operator says otherwise."""

from __future__ import annotations

import sys

from oslo_config import cfg
from oslo_policy import policy

from gpubroker import conf as configuration
from gpubroker.policies import base
from gpubroker.policies import devices
from gpubroker.policies import flavors
from gpubroker.policies import hosts
from gpubroker.policies import installation
from gpubroker.policies import leases
from gpubroker.policies import models
from gpubroker.policies import offers
from gpubroker.policies import pools
from gpubroker.policies import traits

_NOUNS = (
    *(models, flavors, pools, hosts, devices, traits, offers, leases),
    installation,
)


def list_rules() -> list[policy.RuleDefault]:
    """For oslopolicy-sample-generator and the like."""
    return [
        *base.RULES,
        *(rule for noun in _NOUNS for rule in noun.RULES),
    ]


def enforcer(conf: cfg.ConfigOpts) -> policy.Enforcer:
    """An enforcer of these rules and of the operator's policy file."""
    made = policy.Enforcer(conf)
    made.register_defaults(list_rules())
    return made


def get_enforcer() -> policy.Enforcer:
    """For oslopolicy-policy-generator and the like.

    They share their command line with us: what is theirs is left out.
    """
    conf = configuration.new()
    conf(_foreign(sys.argv[1:]), project="gpubroker")
    return enforcer(conf)


def _foreign(args: list[str]) -> list[str]:
    kept = []
    skip = False
    for arg in args:
        if skip:
            skip = False
        elif arg in ("--namespace", "--output-file"):
            skip = True
        elif not arg.startswith(("--namespace=", "--output-file=")):
            kept.append(arg)
    return kept
