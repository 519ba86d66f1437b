"""`GET /openapi.json`: the HTTP door, described in OpenAPI 3.1."""

from __future__ import annotations

from typing import Any

from sidegate.decisions.words import CredentialKind, Protocol, Why
from sidegate.doors.http_observe import MAX_BODY as MAX_REPORT
from sidegate.doors.http_verify import MAX_BODY, MAX_TEXT, NOT_MINE
from sidegate.wire import auth_policy

Schema = dict[str, Any]

_TEXT = "^[^\\u0000]*$"


def document(version: str, *, token: bool) -> Schema:
    """The whole document; `token`: whether this listener asks for the bearer token."""
    described: Schema = {
        "openapi": "3.1.0",
        "info": {
            "title": "Sidegate",
            "version": version,
            "description": "Whether a login may come in. For mail servers on this host only.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": {
            "/v1/verify": {"post": _verify()},
            "/v1/observe": {"post": _observe()},
            "/nginx": {"get": _nginx()},
            "/metrics": {"get": _metrics()},
            "/openapi.json": {"get": _openapi()},
        },
        "components": {
            "schemas": {
                "Question": _question(),
                "Answer": _ANSWER,
                "Report": _report(),
                "Error": _ERROR,
            },
            "responses": _RESPONSES,
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The text of `http-token` in Sidegate's folder of keys.",
                }
            },
        },
    }
    if token:
        described["security"] = [{"token": []}]
    return described


def _verify() -> Schema:
    return {
        "operationId": "verify",
        "summary": "May this login, with this secret, over this protocol, come in?",
        "description": "A refusal is answered late, at one fixed time after it arrived.",
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _ref("schemas/Question")}},
        },
        "responses": {
            "200": _is("What was decided.", "application/json", _ref("schemas/Answer")),
            **_errors(400, 401, 408, 413, 415, 422, 429),
        },
    }


def _observe() -> Schema:
    return {
        "operationId": "observe",
        "summary": "What a Dovecot reports of a sign-in that is over (auth_policy)",
        "description": "Answered before anything is done with it; nothing is decided.",
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _ref("schemas/Report")}},
        },
        "responses": {
            "204": {"description": "Taken."},
            **_errors(400, 401, 408, 413, 415, 422),
        },
    }


def _nginx() -> Schema:
    def header(name: str, schema: Schema, text: str, *, required: bool) -> Schema:
        parameter: Schema = {"name": name, "in": "header", "description": text}
        return {**parameter, "required": required, "schema": schema}

    text = {"type": "string"}
    protocols = {"type": "string", "enum": ["imap", "pop3", "smtp"]}
    answered = {
        name: {"schema": {"type": "string"}}
        for name in ("Auth-Status", "Auth-Server", "Auth-Port", "Auth-User", "Auth-Pass")
    }
    return {
        "operationId": "nginx",
        "summary": "nginx's auth_http, for IMAP, POP3 and SMTP",
        "parameters": [
            header("Auth-Method", text, "Any other than `plain` is refused.", required=True),
            header("Auth-Protocol", protocols, "", required=True),
            header("Auth-User", text, "The login, %-encoded.", required=False),
            header("Auth-Pass", text, "The secret, %-encoded.", required=False),
            header("Client-IP", text, "The mail program's address.", required=False),
            header("Auth-SSL", text, "`on` where it came encrypted.", required=False),
        ],
        "responses": {
            "200": {
                "description": "What nginx does or says; always in headers.",
                "headers": {**answered, "Auth-Error-Code": {"schema": {"type": "string"}}},
            },
            **_errors(400, 401),
        },
    }


def _metrics() -> Schema:
    return {
        "operationId": "metrics",
        "summary": "Numbers since the start, for Prometheus",
        "responses": {
            "200": _is("Prometheus' text format.", "text/plain", {"type": "string"}),
            **_errors(401),
        },
    }


def _openapi() -> Schema:
    return {
        "operationId": "openapi",
        "summary": "This document",
        "responses": {
            "200": _is("OpenAPI 3.1.", "application/json", {"type": "object"}),
            **_errors(401),
        },
    }


def _question() -> Schema:
    text = {"type": "string", "minLength": 1, "maxLength": MAX_TEXT, "pattern": _TEXT}
    return {
        "type": "object",
        "required": ["login", "secret", "protocol", "client_ip"],
        "additionalProperties": False,
        "properties": {
            "login": {**text, "description": "As it was typed."},
            "secret": {**text, "format": "password", "description": "As it was typed."},
            "protocol": {"type": "string", "enum": [protocol.value for protocol in Protocol]},
            "client_ip": {
                "type": "string",
                "description": "The mail program's address, not the caller's.",
                "anyOf": [{"format": "ipv4"}, {"format": "ipv6"}],
            },
            "client_id": {
                **text,
                "minLength": 0,
                "description": "What the program calls itself.",
            },
            "tls": {"type": "boolean", "default": False},
            "session": {
                **text,
                "minLength": 0,
                "description": "The mail server's name for it.",
            },
            "from_directory": {
                "type": "boolean",
                "default": False,
                "description": "The asker is Sidegate's own directory (`connect lua`), and judges "
                "account passwords next: where they are nothing to Sidegate, it says `not-mine`.",
            },
        },
    }


def _report() -> Schema:
    text = {"type": "string", "maxLength": auth_policy.MAX_TEXT}
    names = {
        name: {**text, "description": f"%{{{of}}}"} for name, of in auth_policy.ATTRIBUTES.items()
    }
    return {
        "type": "object",
        "required": [*names, "success"],
        "properties": {**names, "success": {"type": "boolean"}},
        "description": "Anything else in it is not looked at.",
    }


def _is(text: str, kind: str, schema: Schema) -> Schema:
    return {"description": text, "content": {kind: {"schema": schema}}}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/{name}"}


def _errors(*statuses: int) -> Schema:
    return {str(status): _ref(f"responses/{status}") for status in statuses}


def _verdict(verdict: str, more: Schema) -> Schema:
    properties = {"verdict": {"const": verdict}, "text": {"type": "string"}, **more}
    return {
        "type": "object",
        "required": list(properties),
        "additionalProperties": False,
        "properties": properties,
    }


_ANSWER: Schema = {
    "description": "`text` is for the person behind the program; the rest is for the caller alone.",
    "oneOf": [
        _verdict(
            "allow",
            {
                "account": {"type": "string", "description": "The name to go on with."},
                "credential": {"enum": [kind.value for kind in CredentialKind]},
            },
        ),
        _verdict("refuse", {}),
        _verdict("refuse", {"why": {"const": NOT_MINE}}),
        _verdict("unavailable", {"why": {"enum": [why.value for why in Why]}}),
    ],
}

_ERROR: Schema = {
    "type": "object",
    "required": ["error"],
    "additionalProperties": False,
    "properties": {"error": {"type": "string"}},
}

_RESPONSES: Schema = {
    str(status): _is(text, "application/json", _ref("schemas/Error"))
    for status, text in {
        400: "This is no such request at all.",
        401: "The bearer token is missing or wrong.",
        408: "The body did not come in time.",
        413: f"The body is too long: more than {MAX_BODY} bytes, of a report {MAX_REPORT}.",
        415: "The body is not application/json.",
        422: "A field is missing, unknown or not allowed.",
        429: "This caller asked too often; see Retry-After.",
    }.items()
}
