// Keyboard: data-key="a" presses (or focuses) that element on the key; [data-section] elements are walked with j and k.
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

  const walk = (step) => {
    const sections = [...document.querySelectorAll("[data-section]")];
    if (!sections.length) return;
    const here = sections.findIndex((section) => section.contains(document.activeElement));
    const next = sections[Math.min(sections.length - 1, Math.max(0, here + step))];
    if (!next.hasAttribute("tabindex")) next.tabIndex = -1;
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: "start" });
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (off() || typing(event.target)) return;
    if (event.key === "j") return walk(1);
    if (event.key === "k") return walk(-1);
    const scope = document.activeElement?.closest("[data-section]");
    const selector = `[data-key="${CSS.escape(event.key)}"]`;
    const target = scope?.querySelector(selector) || document.querySelector(selector);
    if (!target) return;
    event.preventDefault();
    if (target.matches("input, textarea, select")) target.focus();
    else target.click();
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
