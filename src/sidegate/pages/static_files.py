"""The few small files that pages bring along: style sheet, script, icon."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

# WhiteNoise publishes no types.
from whitenoise.middleware import WhiteNoiseMiddleware  # type: ignore[import-untyped]
from whitenoise.responders import StaticFile  # type: ignore[import-untyped]


class StaticFiles(WhiteNoiseMiddleware):  # type: ignore[misc]  # the same
    """WhiteNoise, answering with the whole file at once.

    Its own streaming response is one that Django warns of under ASGI.
    """

    @staticmethod
    def serve(static_file: StaticFile, request: HttpRequest) -> HttpResponse:
        """Answer with the file, or with what WhiteNoise says in its place."""
        found = static_file.get_response(request.method, request.META)
        body = b""
        if found.file is not None:
            with found.file:
                body = found.file.read()
        return HttpResponse(body, status=int(found.status), headers=dict(found.headers))
