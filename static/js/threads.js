// Comments beside their field: a link with data-thread-begin puts the form of its page into the slot that follows it.
// Escape or data-thread-leave takes the form away and gives the focus back; Ctrl+Enter sends. Without JavaScript the
// link leads to the page. Nothing typed is lost: a form that holds words is left only by a second Escape.
(() => {
  const openers = new WeakMap();

  const slotOf = (opener) => {
    const place = opener.closest("[data-field], [data-section]");
    return [...(place?.querySelectorAll("[data-thread-slot]") || [])].find(
      (slot) => opener.compareDocumentPosition(slot) & Node.DOCUMENT_POSITION_FOLLOWING,
    );
  };

  const leave = (form) => {
    const opener = openers.get(form);
    form.remove();
    opener?.focus();
  };

  document.addEventListener("click", async (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    const away = event.target.closest("[data-thread-slot] [data-thread-leave]");
    if (away) {
      event.preventDefault();
      return leave(away.closest("form"));
    }
    const opener = event.target.closest("a[data-thread-begin]");
    const slot = opener && slotOf(opener);
    if (!slot) return;
    event.preventDefault();
    if (!slot.firstElementChild) {
      const answer = await fetch(opener.href, { headers: { "HX-Request": "true" } }).catch(() => null);
      if (!answer?.ok) return location.assign(opener.href);
      if (!slot.firstElementChild) slot.append(...new DOMParser().parseFromString(await answer.text(), "text/html").body.children);
    }
    const form = slot.querySelector("form");
    openers.set(form, opener);
    form.querySelector("select[name='path'], textarea")?.focus();
  });

  document.addEventListener("keydown", (event) => {
    const form = event.target.closest?.("form.thread-new, form.thread-answer");
    if (!form || event.isComposing) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      form.requestSubmit(form.querySelector("button.primary"));
    } else if (event.key === "Escape" && form.closest("[data-thread-slot]")) {
      event.preventDefault();
      const words = form.querySelector("textarea").value.trim();
      if (!words || "leaving" in form.dataset) leave(form);
      else form.dataset.leaving = "";
    }
  });
})();
