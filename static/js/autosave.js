// form[data-autosave="address"]: what is typed is kept on the server a moment later, and before the form is sent, so that
// neither a closed window nor a session that has ended loses a word. Files are not kept; they stay in their box.
(() => {
  const form = document.querySelector("form[data-autosave]");
  if (!form) return;
  const PAUSE = 1200; // milliseconds without a key
  const said = form.querySelector("[data-autosave-said]");
  const ago = form.querySelector("[data-autosave-ago]");
  const WORDS = {
    kept: "Draft saved",
    out: "Not saved: you are logged out. Log in again in another tab, then go on here. Your text stays on this page.",
    refused: "Not saved: this is too long to be kept as a draft. Save the revision.",
    offline: "Not saved: the portal does not answer. Your text stays on this page.",
  };
  let waiting = 0;
  let running = null;
  let keptAt = 0;
  let cleared = false;

  const typed = () => new URLSearchParams([...new FormData(form)].filter(([, value]) => typeof value === "string"));
  const post = (signal) => fetch(form.dataset.autosave, { method: "POST", body: typed(), redirect: "manual", signal });

  // A login in another tab has made a new form token: fetch it. Nobody is logged in: there is none.
  const renewed = async () => {
    const answer = await fetch(form.dataset.autosave, { redirect: "manual" });
    if (!answer.ok) return false;
    const { token } = await answer.json();
    for (const input of document.querySelectorAll("input[name=csrfmiddlewaretoken]")) input.value = token;
    return true;
  };

  const keep = async () => {
    clearTimeout(waiting);
    running?.abort();
    running = new AbortController();
    const { signal } = running;
    try {
      let answer = await post(signal);
      if (answer.type === "opaqueredirect" || answer.status === 403) {
        if (!(await renewed())) return "out";
        answer = await post(signal);
      }
      return answer.status === 204 ? "kept" : answer.type === "opaqueredirect" ? "out" : "refused";
    } catch (error) {
      return error.name === "AbortError" ? "" : "offline";
    }
  };

  const tell = (outcome) => {
    if (!outcome) return;
    said.textContent = WORDS[outcome];
    said.parentElement.dataset.state = outcome === "kept" ? "neutral" : "critical";
    keptAt = outcome === "kept" ? Date.now() : 0;
    ago.textContent = keptAt ? "just now" : "";
    if (keptAt) delete form.dataset.changed;
  };

  setInterval(() => {
    const seconds = Math.round((Date.now() - keptAt) / 1000);
    if (keptAt) ago.textContent = seconds < 90 ? `${seconds} s ago` : `${Math.round(seconds / 60)} minutes ago`;
  }, 1000);

  const soon = (event) => {
    if (event.target.matches("[type=file]")) return;
    clearTimeout(waiting);
    waiting = setTimeout(async () => tell(await keep()), PAUSE);
  };
  form.addEventListener("input", soon);
  form.addEventListener("change", soon);

  // Sent only when somebody is still logged in: a redirect to the login would swallow the text.
  form.addEventListener("submit", async (event) => {
    if (cleared) {
      running?.abort();
      clearTimeout(waiting);
      return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
    if ("checking" in form.dataset) return;
    form.dataset.checking = "";
    const { submitter } = event;
    const outcome = await keep();
    delete form.dataset.checking;
    if (outcome === "out" || outcome === "offline") return tell(outcome);
    cleared = true;
    form.requestSubmit(submitter);
    cleared = false;
  });
})();
