// The editor of documents: Ctrl+S saves; an answer under "What has to be asked" shows and hides the questions that hang
// on it; data-row-add appends a row to the table of its field, data-row-remove empties one and takes it out of sight.
(() => {
  const form = document.getElementById("document-form");
  if (!form) return;

  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.key.toLowerCase() !== "s") return;
    event.preventDefault();
    form.requestSubmit(form.querySelector(".form-actions [name=save]"));
  });

  form.addEventListener("change", (event) => {
    if (!event.target.name?.startsWith("scope.")) return;
    for (const field of form.querySelectorAll("[data-applies]")) {
      if (field.dataset.applies === event.target.name) field.toggleAttribute("data-unasked", event.target.value === "no");
    }
  });

  form.addEventListener("click", (event) => {
    const adder = event.target.closest("[data-row-add]");
    if (adder) {
      const body = adder.closest("[data-table-input]").querySelector("tbody");
      const row = body.lastElementChild.cloneNode(true);
      const place = body.children.length;
      row.hidden = false;
      for (const input of row.querySelectorAll("input")) {
        input.value = "";
        input.name = input.name.replace(/-\d+-([a-z0-9_]+)$/, `-${place}-$1`);
        input.setAttribute("aria-label", input.getAttribute("aria-label").replace(/\d+$/, place + 1));
      }
      const remover = row.querySelector("[data-row-remove]");
      remover.setAttribute("aria-label", remover.getAttribute("aria-label").replace(/\d+$/, place + 1));
      body.append(row);
      row.querySelector("input").focus();
      return;
    }
    const remover = event.target.closest("[data-row-remove]");
    if (!remover) return;
    const row = remover.closest("tr");
    const next = row.nextElementSibling ?? row.previousElementSibling;
    for (const input of row.querySelectorAll("input")) input.value = "";
    row.querySelector("input").dispatchEvent(new Event("input", { bubbles: true }));
    row.hidden = true;
    next?.querySelector("input")?.focus();
  });

  document.addEventListener("htmx:afterSettle", () => document.querySelector("[data-preview]")?.focus());
})();
