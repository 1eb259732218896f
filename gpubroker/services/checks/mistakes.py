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


"""The mistakes that can be found, by the names that the guide explains."""

from __future__ import annotations

import enum


class Mistake(enum.StrEnum):
    """In the order of the rows in which they are told."""

    DATABASE_AWAY = "database-away"
    DATABASE_EMPTY = "database-empty"
    DATABASE_BEHIND = "database-behind"
    DATABASE_SQLITE = "database-sqlite"
    KEYS_UNUSABLE = "keys-unusable"
    KEYS_OTHER = "keys-other"
    BUS_UNSET = "bus-unset"
    BUS_INSIDE = "bus-inside"
    BUS_AWAY = "bus-away"
    SILENT_TOO_SOON = "silent-too-soon"
    IDENTITY_REFUSED = "identity-refused"
    ROLE_MISSING = "role-missing"
    ROLE_ADMIN = "role-admin"
    ROLE_SPARE = "role-spare"
    API_IDENTITY_REFUSED = "api-identity-refused"
    ENDPOINT_MISSING = "endpoint-missing"
    ENDPOINT_VERSIONED = "endpoint-versioned"
    ENDPOINT_AWAY = "endpoint-away"
    ENDPOINT_ELSEWHERE = "endpoint-elsewhere"
    SERVICE_MISSING = "service-missing"
    TRUSTS_REFUSED = "trusts-refused"
    TRUST_ROLE_UNKNOWN = "trust-role-unknown"
    AGENT_ROLE_MISSING = "agent-role-missing"
    CLOCK_SKEW = "clock-skew"
    PLACEMENT_AWAY = "placement-away"
    PLACEMENT_OLD = "placement-old"
    PLACEMENT_READ_ONLY = "placement-read-only"
    CLAIMS_DOUBLED = "claims-doubled"
    INSTALLATION_STRANGE = "installation-strange"
    MEMORY_LOST = "memory-lost"
    NOVA_AWAY = "nova-away"
    NOVA_OLD = "nova-old"
    NOVA_NO_ADMIN = "nova-no-admin"
    ALIAS_MISSING = "alias-missing"
    ALIAS_REFUSED = "alias-refused"
    STARTS_FAIL = "starts-fail"
    PCI_NOT_REPORTED = "pci-not-reported"
    HOST_WITHOUT_CARDS = "host-without-cards"
    CLASS_WRONG = "class-wrong"
    CARD_OVERSOLD = "card-oversold"
    CARD_ONE_TIME_USE = "card-one-time-use"
    SLOT_MISSING = "slot-missing"
    SLOT_SEVERAL = "slot-several"
    SLOT_DOUBLED = "slot-doubled"
    SLOT_OTHER = "slot-other"
    COMPUTE_GONE = "compute-gone"
    COMPUTE_DOWN = "compute-down"
    COMPUTE_DISABLED = "compute-disabled"
    WORKERS_NONE = "workers-none"
    AGENT_NONE = "agent-none"
    AGENT_UNHEARD = "agent-unheard"
    AGENT_SILENT = "agent-silent"
    AGENT_VERSION = "agent-version"
    MODEL_CLASS_SHARED = "model-class-shared"
    MODEL_ALIAS_SHARED = "model-alias-shared"
    FLAVOR_UNMET = "flavor-unmet"
    POOL_EMPTY = "pool-empty"
    FLAVOR_AROUND = "flavor-around"
    POLICY_UNKNOWN = "policy-unknown"
    POLICY_OPEN = "policy-open"
    POLICY_UNREADABLE = "policy-unreadable"
    FILE_UNREADABLE = "file-unreadable"
    FILE_PCI_IN_PLACEMENT = "file-pci-in-placement"
    FILE_REPORT_IN_PLACEMENT = "file-report-in-placement"
    FILE_PCI_FILTER = "file-pci-filter"
    FILE_ALIAS_MISSING = "file-alias-missing"
    FILE_ALIAS_OTHER = "file-alias-other"
    FILE_DEVICE_CLASS = "file-device-class"
    FILE_PROVIDER_CONFIG = "file-provider-config"
    FILE_RETRY_COUNT = "file-retry-count"
