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

from __future__ import annotations

from django.urls import path

from gpubroker.dashboard.content.admin.queue import views

urlpatterns = [
    path("", views.Index.as_view(), name="index"),
    path("now/", views.Now.as_view(), name="now"),
    path("<uuid:lease_id>/end/", views.End.as_view(), name="end"),
]
