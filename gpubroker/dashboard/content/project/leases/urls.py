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

from gpubroker.dashboard.content.project.leases import views

urlpatterns = [
    path("", views.Index.as_view(), name="index"),
    path("past/", views.Past.as_view(), name="past"),
    path("order/", views.Order.as_view(), name="order"),
    path("order/check/", views.Check.as_view(), name="check"),
    path("<uuid:lease_id>/", views.Detail.as_view(), name="detail"),
    path("<uuid:lease_id>/now/", views.Now.as_view(), name="now"),
    path(
        "<uuid:lease_id>/console/<uuid:server_id>/",
        views.Console.as_view(),
        name="console",
    ),
    path("<uuid:lease_id>/extend/", views.Extend.as_view(), name="extend"),
    path("<uuid:lease_id>/end/", views.End.as_view(), name="end"),
]
