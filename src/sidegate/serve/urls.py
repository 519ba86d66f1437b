"""All pages: the portal's, the operator's, and what is shown where there is none."""

from django.urls import include, path

from sidegate.portal import errors

urlpatterns = [
    path("", include("sidegate.portal.urls")),
    path("", include("sidegate.console.urls")),
]

handler400 = errors.bad_request
handler403 = errors.forbidden
handler404 = errors.not_found
handler500 = errors.server_error
