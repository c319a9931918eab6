// data-copy="text" copies that text; data-copy-from="element-id" copies the text of that element.
(() => {
  const say = (text, state) => document.dispatchEvent(new CustomEvent("toast", { detail: { text, state } }));

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy], [data-copy-from]");
    if (!button) return;
    const source = button.dataset.copyFrom && document.getElementById(button.dataset.copyFrom);
    const text = source ? (source.value ?? source.textContent).trim() : button.dataset.copy;
    try {
      await navigator.clipboard.writeText(text);
      button.dataset.copied = "";
      setTimeout(() => delete button.dataset.copied, 2000);
      say("Copied.", "ok");
    } catch {
      // Clipboards need https or localhost: select the text instead, so that one keystroke remains.
      if (source) getSelection().selectAllChildren(source);
      say("The browser did not allow copying. Select the text and copy it by keyboard.", "attention");
    }
  });
})();
