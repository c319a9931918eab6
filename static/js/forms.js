// Forms: a second press of the same button does nothing (POST forms); data-autosubmit submits a filter on change;
// data-unsaved warns before typed text is left behind; an error summary takes the focus.
(() => {
  const release = () => {
    for (const form of document.querySelectorAll("form[data-sending]")) {
      delete form.dataset.sending;
      for (const button of form.querySelectorAll("button[aria-disabled]")) button.removeAttribute("aria-disabled");
    }
  };

  document.addEventListener("submit", (event) => {
    const form = event.target;
    delete form.dataset.changed;
    if (event.defaultPrevented || form.method !== "post" || form.hasAttribute("data-repeatable")) return;
    if ("sending" in form.dataset) return event.preventDefault();
    form.dataset.sending = "";
    // aria-disabled, not disabled: a disabled button would drop its own name and value from the request.
    event.submitter?.setAttribute("aria-disabled", "true");
  });
  // The page came back from the history, or htmx answered in place: the form may be sent again.
  window.addEventListener("pageshow", release);
  document.addEventListener("htmx:afterRequest", release);

  document.addEventListener("change", (event) => {
    const form = event.target.closest?.("form");
    if (form?.matches("[data-autosubmit]")) form.requestSubmit();
  });
  document.addEventListener("input", (event) => {
    const form = event.target.closest?.("form[data-unsaved]");
    if (form) form.dataset.changed = "";
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const form = event.target.closest?.("form[data-unsaved]");
    if (form && event.detail.successful) delete form.dataset.changed;
  });
  window.addEventListener("beforeunload", (event) => {
    if (document.querySelector("form[data-changed]")) event.preventDefault();
  });

  const focusSummary = () => document.querySelector("[data-error-summary]")?.focus();
  document.addEventListener("DOMContentLoaded", focusSummary);
  document.addEventListener("htmx:afterSettle", focusSummary);
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-error-summary] a[href^='#']");
    const target = link && document.getElementById(link.hash.slice(1));
    if (!target) return;
    event.preventDefault();
    const control = target.matches("input, select, textarea") ? target : target.querySelector("input, select, textarea");
    target.scrollIntoView({ block: "center" });
    control?.focus();
  });
})();
