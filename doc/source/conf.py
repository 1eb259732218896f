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


"""How Sphinx builds the documents: ``tox -e docs``."""

project = "gpubroker"
copyright = "gpubroker developers"

extensions = [
    "cliff.sphinxext",
    "openstackdocstheme",
    "oslo_config.sphinxconfiggen",
    "oslo_config.sphinxext",
    "oslo_policy.sphinxext",
    "oslo_policy.sphinxpolicygen",
]

# The version is in the page's footer, where the theme takes it from git.
openstackdocs_repo_name = "openstack/gpubroker"
openstackdocs_auto_name = False
openstackdocs_auto_version = False
openstackdocs_use_storyboard = False
version = ""
release = ""

html_theme = "openstackdocs"
html_static_path = ["_static"]
pygments_style = "native"
add_module_names = False

config_generator_config_file = [
    (
        "../../etc/gpubroker/config-generator.conf",
        "_static/gpubroker",
    ),
]
policy_generator_config_file = "../../etc/gpubroker/policy-generator.conf"
sample_policy_basename = "_static/gpubroker"

autoprogram_cliff_application = "openstack"
