// Niceties only: every page works without this file.
"use strict";

const live = document.getElementById("live");

// What a page says of the step before comes with it, so it is no news to a screen reader: it
// takes the focus to be read, where nothing else of the page has it.
const said = document.querySelector(".said");
if (said && document.activeElement === document.body) {
  said.tabIndex = -1;
  said.focus({ preventScroll: true });
}

// Copy: the button appears where the browser can copy.
for (const button of document.querySelectorAll("button[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copy);
    let text = source.textContent.trim();
    if ("parted" in source.dataset) text = text.replace(/\s/g, "");
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      getSelection().selectAllChildren(source);
      live.textContent = button.dataset.failed;
      return;
    }
    live.textContent = button.dataset.done;
    button.classList.add("done");
    setTimeout(() => {
      button.classList.remove("done");
      live.textContent = "";
    }, 2500);
  });
}

// A password can be looked at; it is sent as the password that it is.
for (const button of document.querySelectorAll("button[data-show]")) {
  const field = document.getElementById(button.dataset.show);
  const words = button.textContent;
  const show = (shown) => {
    field.type = shown ? "text" : "password";
    button.textContent = shown ? button.dataset.hide : words;
  };
  button.hidden = false;
  button.addEventListener("click", () => show(field.type === "password"));
  field.form.addEventListener("submit", () => show(false));
}

// How strong a new password is: asked a moment after the last key, for what stands there then.
for (const place of document.querySelectorAll("[data-strength]")) {
  const field = document.getElementById(place.dataset.of);
  const say = (part) => {
    if (place.innerHTML !== part) place.innerHTML = part;
  };
  let soon, asking;
  const stop = () => {
    clearTimeout(soon);
    asking?.abort();
  };
  const later = (wait) => {
    soon = setTimeout(ask, wait);
  };
  const ask = async () => {
    asking = new AbortController();
    const form = new FormData();
    for (const name of ["csrfmiddlewaretoken", field.name])
      form.set(name, field.form.elements[name].value);
    try {
      const answer = await fetch(place.dataset.strength, {
        method: "POST",
        body: form,
        cache: "no-store",
        redirect: "error",
        signal: asking.signal,
      });
      if (answer.status === 204) later(1000);
      else say(answer.ok ? await answer.text() : "");
    } catch (trouble) {
      if (trouble.name !== "AbortError") say("");
    }
  };
  field.addEventListener("input", () => {
    stop();
    if (field.value) later(400);
    else say("");
  });
  field.form.addEventListener("submit", stop);
}

// Print: the button appears where there is a browser to do it.
for (const button of document.querySelectorAll("button[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}

// A form that only leads on leaves a bare "?" behind: the address is the page's own.
if (location.href.endsWith("?")) history.replaceState(history.state, "", location.pathname);

// A form is sent once, however often its button is pressed, and the button is busy meanwhile:
// until the next page is there, this one comes back, or nothing has come for a while.
const GIVEN_UP = 10_000;
const isBusy = (part) => part.getAttribute("aria-busy") === "true";
const ready = (button) => button.removeAttribute("aria-busy");
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || "file" in form.dataset) return;
  const buttons = [...form.querySelectorAll('button[type="submit"]')];
  if (buttons.some(isBusy)) {
    event.preventDefault();
    return;
  }
  const button = event.submitter ?? buttons[0];
  button?.setAttribute("aria-busy", "true");
  if (button) setTimeout(ready, GIVEN_UP, button);
});
addEventListener("pageshow", (event) => {
  if (event.persisted) document.querySelectorAll('[aria-busy="true"]').forEach(ready);
});

// What is busy for longer than a blink says so in words.
const soon = new WeakMap();
new MutationObserver((changes) => {
  for (const { target } of changes) {
    clearTimeout(soon.get(target));
    if (isBusy(target)) {
      const say = () => {
        target.dataset.busy = live.textContent = live.dataset.busy;
      };
      soon.set(target, setTimeout(say, 500));
    } else if ("busy" in target.dataset) {
      delete target.dataset.busy;
      live.textContent = "";
    }
  }
}).observe(document.body, { subtree: true, attributeFilter: ["aria-busy"] });

// "Send again" counts down; the server keeps the same rule.
for (const button of document.querySelectorAll("button[data-wait]")) {
  const reason = document.getElementById(button.getAttribute("aria-describedby"));
  if (!reason) continue;
  const words = reason.textContent;
  const tick = () => {
    const left = Number(button.dataset.wait);
    const waiting = left > 0;
    button.setAttribute("aria-disabled", String(waiting));
    reason.textContent = waiting ? reason.dataset.words.replace("00", String(left)) : "";
    button.dataset.wait = String(left - 1);
    if (waiting) setTimeout(tick, 1000);
  };
  button.addEventListener("click", (event) => {
    if (button.getAttribute("aria-disabled") === "true") event.preventDefault();
  });
  if (words) tick();
}

// How the send of a code stands: looked at again for as long as that may change.
const sending = document.getElementById("sending");
const look = async () => {
  try {
    const answer = await fetch(location.pathname, { cache: "no-store" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("sending");
    if (!fresh) return;
    if (fresh.textContent !== sending.textContent) sending.textContent = fresh.textContent;
    sending.className = fresh.className;
    sending.dataset.again = fresh.dataset.again;
    const wait = page.querySelector("button[data-wait]").dataset.wait;
    for (const button of document.querySelectorAll("button[data-wait]")) button.dataset.wait = wait;
  } catch {
    // The server is away: the next turn asks again.
  }
  lookAgain();
};
const lookAgain = () => {
  const seconds = Number(sending.dataset.again);
  if (seconds) setTimeout(look, seconds * 1000);
};
if (sending) lookAgain();

// A list that changes by itself, until it is paused.
for (const list of document.querySelectorAll("[data-refresh]")) {
  const pause = document.getElementById("pause");
  let paused = false;
  pause.hidden = false;
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.setAttribute("aria-pressed", String(paused));
  });
  setInterval(async () => {
    if (paused || document.hidden) return;
    try {
      const answer = await fetch(location.href, { cache: "no-store" });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById(list.id);
      if (fresh && fresh.innerHTML !== list.innerHTML) list.innerHTML = fresh.innerHTML;
    } catch {
      // The server is away: the next turn asks again.
    }
  }, 2000);
}

// Menus close when the focus leaves them.
for (const menu of document.querySelectorAll("[popover]")) {
  menu.addEventListener("focusout", (event) => {
    const next = event.relatedTarget;
    if (next && !menu.contains(next) && next.getAttribute("popovertarget") !== menu.id) {
      menu.hidePopover();
    }
  });
}
