"""The script that an operator's Dovecot runs to ask Sidegate: Lua 5.1 to 5.4, 2.3.19 and 2.4."""

from __future__ import annotations

from sidegate.config import TcpEndpoint


def script(*, door: TcpEndpoint, token_file: str, from_directory: bool, is_24: bool) -> str:
    """The whole script; `from_directory`: this Dovecot is Sidegate's own directory."""
    timeout = "request_timeout" if is_24 else "timeout"
    attempts = "request_max_attempts" if is_24 else "max_attempts"
    head = _HEAD.format(
        url=f"http://{door}/v1/verify",
        token=token_file,
        from_directory="true" if from_directory else "false",
        timeout=f'{timeout} = "15s"' if is_24 else f"{timeout} = 15000",
        attempts=f"{attempts} = 2",
    )
    return head + _BODY


_HEAD = """\
-- Dovecot asks Sidegate about each sign-in. Printed by: sidegate connect lua
local URL = "{url}"
local TOKEN_FILE = "{token}"
local FROM_DIRECTORY = {from_directory} -- this Dovecot judges account passwords itself
local client = dovecot.http.client {{ {timeout}, {attempts} }}
"""

_BODY = r"""
local auth = dovecot.auth
local utf8 = rawget(_G, "utf8") -- not in every Lua
local PROTOCOLS = {
  imap = "imap", pop3 = "pop3", submission = "submission", smtp = "submission",
  sieve = "sieve", managesieve = "sieve",
}
local token

local function read_token()
  local file = io.open(TOKEN_FILE, "r")
  if not file then
    dovecot.i_error("sidegate: " .. TOKEN_FILE .. " cannot be read")
    return ""
  end
  local text = file:read("*l") or ""
  file:close()
  return text
end

function script_init()
  token = read_token()
  return 0
end

-- JSON (RFC 8259): texts out; in comes one flat object of texts.

local function quoted(text)
  return '"' .. text:gsub('[%c"\\]', function(c)
    return string.format("\\u%04x", c:byte())
  end) .. '"'
end

local ESCAPED = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }

local function plain(text)
  text = text:gsub("\\u(%x%x%x%x)", "?") -- Sidegate writes UTF-8 as it is
  return (text:gsub("\\(.)", function(kind) return ESCAPED[kind] or kind end))
end

local function parsed(body)
  local found, at = {}, body:match("^%s*{()")
  while at do
    local name, start = body:match('^%s*"(%w+)"%s*:%s*"()', at)
    if not name then return nil end
    local stop = start
    while body:sub(stop, stop) ~= '"' do
      if stop > #body then return nil end
      stop = stop + (body:sub(stop, stop) == "\\" and 2 or 1)
    end
    found[name] = plain(body:sub(start, stop - 1))
    local mark, after = body:match("^%s*([,}])()", stop + 1)
    if mark == "}" then return found end
    at = mark and after
  end
end

-- Asking.

local function question(req, password, protocol)
  local fields = {
    '"login":' .. quoted(req.orig_user or req.user or ""),
    '"secret":' .. quoted(password),
    '"protocol":' .. quoted(protocol),
    '"client_ip":' .. quoted(req.remote_ip or req.rip or "127.0.0.1"),
    '"client_id":' .. quoted((req.client_id or ""):sub(1, 1000)),
    '"session":' .. quoted((req.session or ""):sub(1, 1000)),
    '"tls":' .. tostring((req.secured or "") ~= ""),
  }
  if FROM_DIRECTORY then fields[#fields + 1] = '"from_directory":true' end
  return "{" .. table.concat(fields, ",") .. "}"
end

local function asked(body)
  local request = client:request { url = URL, method = "POST" }
  request:add_header("Authorization", "Bearer " .. token)
  request:add_header("Content-Type", "application/json")
  request:set_payload(body)
  local response = request:submit()
  if response:status() ~= 200 then
    dovecot.i_error("sidegate: " .. URL .. " answers " .. response:status() .. " "
      .. tostring(response:reason()))
    return nil
  end
  return parsed(response:payload())
end

-- What may be asked at all: `*` and nothing are no passwords, and let in where a passdb says so.
local function askable(login, password)
  return password ~= "*" and #password >= 1 and #password <= 1024
    and #login >= 1 and #login <= 1024
    and not (login .. password):find("\0", 1, true)
    and (not utf8 or utf8.len(login .. password) ~= nil)
end

-- A verdict that the next passdb reads: go-on lets it pass on, anything else ends there.
local function passed_on(verdict, text)
  local fields = { noauthenticate = "y", sidegate = verdict }
  if text ~= "" then fields.reason = text end
  if verdict == "refused" then fields.nodelay = "y" end -- Sidegate has waited already
  return auth.PASSDB_RESULT_OK, fields
end

function auth_password_verify(req, password)
  local protocol = PROTOCOLS[req.service or req.protocol or ""]
  if not protocol or not askable(req.orig_user or req.user or "", password) then
    return auth.PASSDB_RESULT_PASSWORD_MISMATCH, {}
  end
  local fine, answer = pcall(asked, question(req, password, protocol))
  if not fine then dovecot.i_error("sidegate: asking failed") end
  if not fine or not answer then return auth.PASSDB_RESULT_INTERNAL_FAILURE, {} end
  if answer.verdict == "allow" and (answer.account or "") ~= "" then
    return auth.PASSDB_RESULT_OK, { user = answer.account }
  end
  if answer.verdict ~= "refuse" then return auth.PASSDB_RESULT_INTERNAL_FAILURE, {} end
  return passed_on(answer.why == "not-mine" and "go-on" or "refused", answer.text or "")
end

-- Somebody whom a master user's password let in already: only who it is is asked.
function auth_passdb_lookup(req)
  if FROM_DIRECTORY then return passed_on("go-on", "") end
  return auth.PASSDB_RESULT_OK, {}
end
"""
