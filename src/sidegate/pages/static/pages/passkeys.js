// Passkeys (W3C Web Authentication, levels 2 and 3): a form in which a browser answers.
//
// A form with data-passkey ("create", "get", or "sign-in") holds a button, a hidden field for the
// answer, the address that its options are asked from, and the words for what can go wrong. Its
// page says what is needed where this file cannot run.
"use strict";

const RENEWED_AFTER = 4 * 60 * 1000; // A challenge is good for five minutes.

const toBytes = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (ch) => ch.charCodeAt(0));
const toText = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=+$/, "");
const withBytes = (known) => ({ ...known, id: toBytes(known.id) });

// The options as JSON have their bytes as base64url (level 3, 5.1.8 and 5.1.9).
const read = (options) => {
  const asked = { ...options, challenge: toBytes(options.challenge) };
  if (asked.user) asked.user = withBytes(asked.user);
  for (const list of ["excludeCredentials", "allowCredentials"])
    if (asked[list]) asked[list] = asked[list].map(withBytes);
  return asked;
};

const written = (credential) => {
  const { response } = credential;
  const answer = { clientDataJSON: toText(response.clientDataJSON) };
  for (const part of ["attestationObject", "authenticatorData", "signature", "userHandle"])
    if (response[part]) answer[part] = toText(response[part]);
  if (response.getTransports) answer.transports = response.getTransports();
  return JSON.stringify({
    id: credential.id,
    rawId: toText(credential.rawId),
    type: credential.type,
    response: answer,
    clientExtensionResults: credential.getClientExtensionResults(),
  });
};

const ask = async (form, signal) => {
  const sent = await fetch(form.dataset.options, {
    method: "POST",
    body: new FormData(form),
    cache: "no-store",
    redirect: "error",
    signal,
  });
  if (!sent.ok) throw new Error("no options");
  return read(await sent.json());
};

const say = (form, words) => {
  const place = form.querySelector("[data-trouble]");
  place.textContent = words;
  place.hidden = !words;
};

// What the browser throws, in the page's words.
const trouble = (form, error) => {
  const words = form.dataset;
  if (error.name === "NotAllowedError") return words.stopped;
  if (error.name === "InvalidStateError") return words.known;
  if (error.name === "SecurityError") return words.elsewhere;
  return words.failed;
};

let waiting = null; // The one question that is open: a browser has room for one.
const stop = () => {
  if (waiting) waiting.abort();
  waiting = null;
};

const send = (form, credential) => {
  form.querySelector("[data-answer]").value = written(credential);
  HTMLFormElement.prototype.submit.call(form);
};

const press = async (form) => {
  stop();
  say(form, "");
  const asking = new AbortController();
  waiting = asking;
  const button = form.querySelector("button");
  button.setAttribute("aria-busy", "true");
  try {
    const publicKey = await ask(form, asking.signal);
    const question = { publicKey, signal: asking.signal };
    const creates = form.dataset.passkey === "create";
    send(form, await navigator.credentials[creates ? "create" : "get"](question));
  } catch (error) {
    if (!asking.signal.aborted) {
      waiting = null;
      say(form, trouble(form, error));
      offer();
    }
  } finally {
    button.removeAttribute("aria-busy");
  }
};

// The email field offers the passkeys that the browser holds (conditional mediation).
const signIn = document.querySelector('form[data-passkey="sign-in"]');
const offer = async () => {
  if (!signIn || !(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
  if (waiting) return;
  const asking = new AbortController();
  waiting = asking;
  const renewed = setTimeout(() => {
    stop();
    offer();
  }, RENEWED_AFTER);
  try {
    const publicKey = await ask(signIn, asking.signal);
    const question = { publicKey, mediation: "conditional", signal: asking.signal };
    send(signIn, await navigator.credentials.get(question));
  } catch {
    // Nobody asked for it: whoever wants a passkey has the button.
  } finally {
    clearTimeout(renewed);
  }
};

if (window.PublicKeyCredential) {
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      press(form);
    });
  }
  for (const part of document.querySelectorAll("[data-with-passkeys]")) part.hidden = false;
  for (const part of document.querySelectorAll("[data-without-passkeys]")) part.hidden = true;
  // What is under way must not answer into the session that another form makes.
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("form[data-passkey]")) stop();
  });
  offer();
}
