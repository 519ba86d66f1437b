"""`sidegate check`: looks at everything, changes nothing, says what to do."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator

from sidegate.cli.check_certificate import check_certificate
from sidegate.cli.check_codes import check_code_limits, check_countries
from sidegate.cli.check_directory import check_directory, check_doveadm
from sidegate.cli.check_gateways import check_gateways
from sidegate.cli.check_running import check_running
from sidegate.cli.check_stored import check_breached, check_data, check_database, check_keys
from sidegate.cli.errors import DONE, NOT_DONE
from sidegate.cli.findings import Finding, ok, problem, warning
from sidegate.cli.output import print_json, say
from sidegate.config import Config
from sidegate.mailserver.errors import MailServerError
from sidegate.mailserver.process import find_dovecot


def run(config: Config, arguments: Namespace) -> int:
    """Print each finding; the status tells whether there is a problem."""
    findings = list(_findings(config))
    if arguments.json:
        print_json(
            [{"what": f.what, "state": f.state, "text": f.text, "do": f.todo} for f in findings]
        )
    else:
        for finding in findings:
            say(f"{finding.state:<8} {finding.what}: {finding.text}")
            if finding.todo:
                say(f"{'':<8} -> {finding.todo}")
    return NOT_DONE if any(finding.state == "problem" for finding in findings) else DONE


def _findings(config: Config) -> Iterator[Finding]:
    yield _configuration(config)
    missing = check_data(config)
    if missing is not None:
        yield missing
    else:
        keys = check_keys(config)
        yield keys
        if keys.state == "ok":
            database = check_database(config)
            yield database
            if database.state != "problem":
                yield check_code_limits(config)
        yield check_certificate(config)
        if config.has_own_passwords:
            yield check_breached(config)
    if config.mailserver.private:
        yield _dovecot()
    yield from check_gateways(config)
    yield from check_countries(config)
    yield _notices(config)
    yield _enforced(config)
    yield from check_directory(config)
    yield from check_doveadm(config)
    yield from check_running(config)


def _configuration(config: Config) -> Finding:
    secret = config.database.url or config.doveadm.api_key or config.notices.password
    if config.file.exists() and secret and config.file.stat().st_mode & 0o077:
        return warning(
            "configuration",
            f"{config.file} may hold a password or key and is open to others",
            f"chmod go= {config.file}",
        )
    found = str(config.file) if config.file.exists() else "no file, so every default"
    return ok("configuration", found)


def _dovecot() -> Finding:
    try:
        return ok("dovecot", f"{find_dovecot()} fits the private mail server")
    except MailServerError as error:
        return problem("dovecot", error.text, "install it, or use your own mail server")


def _notices(config: Config) -> Finding:
    if config.notices.smtp:
        return ok("notices", f"owners are told by mail through {config.notices.smtp}")
    if config.mailserver.private:
        return ok("notices", "owners are told by mail through the private Dovecot")
    return warning(
        "notices",
        "owners are told on their pages only: no mail goes out",
        "set [notices] smtp and from_address, so that they hear of changes at once",
    )


def _enforced(config: Config) -> Finding:
    policy = config.policy
    if policy.mode == "observe":
        return warning(
            "policy",
            'mode = "observe": no mail program is refused because of 2-Step Verification',
            'set [policy] mode = "enforce" once sidegate report observe surprises nobody',
        )
    if policy.enforce_for:
        some = len(policy.enforce_for)
        return ok("policy", f"2-Step Verification holds for {some} of enforce_for alone")
    return ok("policy", "2-Step Verification holds for every mail program")
