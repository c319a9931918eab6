// Keyboard: data-key="a" presses (or focuses) that element on the key; [data-section] elements are walked with j and k,
// [data-stop] elements (what there is to look at) with n and p. The nearest of thread, field and section that holds the
// focus is asked for the key first. A summary is opened, and what is written in it gets the focus.
// Silent while typing, in an open dialog, and when the reader turned keys off with [data-keys-toggle] (WCAG 2.1.4).
(() => {
  const off = () => {
    try {
      return localStorage.getItem("keys") === "off";
    } catch {
      return false;
    }
  };
  const typing = (element) => element.closest("input, textarea, select, [contenteditable], dialog");

  const focusOn = (element) => {
    if (!element.hasAttribute("tabindex")) element.tabIndex = -1;
    element.focus({ preventScroll: true });
    element.scrollIntoView({ block: "start" });
  };

  const walk = (selector, step) => {
    const stops = [...document.querySelectorAll(selector)];
    if (!stops.length) return;
    const focus = document.activeElement;
    // The innermost that holds the focus; else the last one before it, so that a step leads on from there.
    const holding = stops.findLastIndex((stop) => stop.contains(focus));
    const behind = stops.findLastIndex(
      (stop) => focus !== document.body && stop.compareDocumentPosition(focus) & Node.DOCUMENT_POSITION_FOLLOWING,
    );
    const here = holding >= 0 ? holding : step > 0 ? behind : behind + 1;
    focusOn(stops[Math.min(stops.length - 1, Math.max(0, here + step))]);
  };

  const targetOf = (key) => {
    const selector = `[data-key="${CSS.escape(key)}"]`;
    for (const scope of ["[data-thread]", "[data-field]", "[data-section]"]) {
      const found = document.activeElement?.closest(scope)?.querySelector(selector);
      if (found) return found;
    }
    return document.querySelector(selector);
  };

  const press = (target) => {
    if (target.matches("input, textarea, select")) return target.focus();
    if (!target.matches("summary")) return target.click();
    target.parentElement.open = true;
    (target.parentElement.querySelector("textarea, input:not([type='hidden']), select") || target).focus();
  };

  const WALKS = { j: ["[data-section]", 1], k: ["[data-section]", -1], n: ["[data-stop]", 1], p: ["[data-stop]", -1] };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (off() || typing(event.target)) return;
    if (WALKS[event.key]) return walk(...WALKS[event.key]);
    const target = targetOf(event.key);
    if (!target) return;
    event.preventDefault();
    press(target);
  });

  document.addEventListener("DOMContentLoaded", () => {
    for (const box of document.querySelectorAll("[data-keys-toggle]")) box.checked = !off();
  });
  document.addEventListener("change", (event) => {
    if (!event.target.matches("[data-keys-toggle]")) return;
    try {
      localStorage.setItem("keys", event.target.checked ? "on" : "off");
    } catch {
      // Storage is refused: keys stay on.
    }
  });
})();
