// The few things a page cannot do without a script. Everything else works with scripts off.
"use strict";
(() => {
  // Passkeys: ask the server what to sign, let the browser sign it, send it with the form.
  const ceremony = async (form) => {
    const asked = await fetch(form.dataset.challenge, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams(new FormData(form)),
    });
    if (!asked.ok) throw new Error(String(asked.status));
    const { publicKey } = await asked.json();
    const credential =
      form.dataset.passkey === "create"
        ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(publicKey) })
        : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(publicKey) });
    form.elements.credential.value = JSON.stringify(credential.toJSON());
    form.submit();
  };
  const passkeys = typeof PublicKeyCredential === "function" && "parseCreationOptionsFromJSON" in PublicKeyCredential;
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    if (!passkeys) continue;
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const said = form.querySelector("[data-failed]");
      said.textContent = "";
      ceremony(form).catch(() => {
        said.textContent = said.dataset.failed;
      });
    });
  }

  // The set-up link carries its secret in the fragment, which no proxy or log sees.
  const setup = document.querySelector("form[data-fragment]");
  if (setup && location.hash.startsWith("#t=")) {
    setup.elements.secret.value = location.hash.slice(3);
    history.replaceState(null, "", location.pathname);
    setup.submit();
  }

  // A form is sent once.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post") return;
    if (form.dataset.sent) event.preventDefault();
    else form.dataset.sent = "1";
  });
  addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  });

  // Enter in the middle of a Japanese conversion is no submission.
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.isComposing) event.preventDefault();
  });

  // Errors first.
  document.getElementById("error-summary")?.focus();

  for (const button of document.querySelectorAll("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => print());
  }

  // Two minutes before the screen locks, say so; any touch tells the server that somebody is there.
  const main = document.querySelector("main[data-idle]");
  if (main) {
    const seconds = Number(main.dataset.idle);
    let timer;
    const wait = () => {
      clearTimeout(timer);
      timer = setTimeout(warn, Math.max(seconds - 120, 5) * 1000);
    };
    const warn = () => {
      const status = document.getElementById("status");
      status.textContent = main.dataset.idleText;
      const here = () => {
        status.textContent = "";
        removeEventListener("pointerdown", here);
        removeEventListener("keydown", here);
        fetch("/present", { headers: { "hx-request": "true" } }).then(wait);
      };
      addEventListener("pointerdown", here);
      addEventListener("keydown", here);
    };
    wait();
  }

  // After a part of the page was swapped in, the new content is announced.
  document.addEventListener("htmx:after:swap", (event) => {
    const said = event.target.querySelector?.("[data-announce]")?.dataset.announce;
    if (said) document.getElementById("status").textContent = said;
  });
})();
