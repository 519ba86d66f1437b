"""A code that was sent to a phone, and the browser that waits for it."""

from __future__ import annotations

import secrets
from typing import NamedTuple

from sidegate.accounts import codes
from sidegate.accounts.code_orders import Channel
from sidegate.accounts.codes import CodeOver, CodeRight, CodeWrong, Purpose
from sidegate.accounts.errors import ChallengeOver
from sidegate.pages.context import context
from sidegate.pages.origins import origin_of
from sidegate.portal.visitors import PortalRequest
from sidegate.storage.models import Account

_CODE = "code"


class CodeStep(NamedTuple):
    """What the session remembers of the code."""

    purpose: Purpose
    challenge: int
    binding: str
    """A secret of this browser's session: nobody else can present the code."""
    number: str
    channel: Channel


def waiting(request: PortalRequest, purpose: Purpose) -> CodeStep | None:
    """The code that this session waits for, for that purpose."""
    stored = request.session.get(_CODE)
    return CodeStep(*stored) if stored and stored[0] == purpose else None


def begin(
    request: PortalRequest, *, account: Account, purpose: Purpose, number: str, channel: Channel
) -> None:
    """Have a code sent, in place of whichever was waited for. Raises what `codes.begin` raises."""
    binding = secrets.token_urlsafe(24)
    if stored := request.session.get(_CODE):
        codes.call_off(context(), challenge_id=CodeStep(*stored).challenge)
    challenge = codes.begin(
        context(),
        account=account,
        purpose=purpose,
        number=number,
        channel=channel,
        binding=binding,
        origin=origin_of(request),
    )
    request.session[_CODE] = (purpose, challenge, binding, number, channel)


def again(request: PortalRequest, step: CodeStep, *, account: Account, channel: Channel) -> None:
    """Have another code sent to the same phone. Raises what `codes.send_again` raises."""
    try:
        codes.send_again(
            context(),
            challenge_id=step.challenge,
            binding=step.binding,
            channel=channel,
            origin=origin_of(request),
        )
    except ChallengeOver:
        begin(
            request,
            account=account,
            purpose=step.purpose,
            number=step.number,
            channel=channel,
        )
        return
    request.session[_CODE] = tuple(step._replace(channel=channel))


def present(request: PortalRequest, step: CodeStep, typed: str) -> CodeRight | CodeWrong | CodeOver:
    """Say whether the code is right; a right one is used up."""
    answer = codes.present(
        context(),
        challenge_id=step.challenge,
        binding=step.binding,
        code=typed,
        origin=origin_of(request),
    )
    if isinstance(answer, CodeRight):
        del request.session[_CODE]
    return answer
