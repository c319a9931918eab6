// Rows of a form: data-rows-add="tbody-id" with data-rows-template and data-rows-total appends a row cut from that
// template and counts it; data-rows-remove="selector" empties that control of its row and takes the row out of sight.
document.addEventListener("click", (event) => {
  const adder = event.target.closest("[data-rows-add]");
  if (adder) {
    const total = document.getElementById(adder.dataset.rowsTotal);
    const place = Number(total.value);
    const row = document.getElementById(adder.dataset.rowsTemplate).content.querySelector("[data-row]").cloneNode(true);
    for (const part of row.querySelectorAll("[id], [name], [for], [aria-label], [aria-describedby]")) {
      for (const name of ["id", "name", "for", "aria-label", "aria-describedby"]) {
        if (part.hasAttribute(name)) part.setAttribute(name, numbered(part.getAttribute(name), place));
      }
    }
    for (const part of row.querySelectorAll("th, legend, label, label span")) {
      for (const text of part.childNodes) if (text.nodeType === Node.TEXT_NODE) text.data = numbered(text.data, place);
    }
    document.getElementById(adder.dataset.rowsAdd).append(row);
    total.value = place + 1;
    row.querySelector("select, input, textarea")?.focus();
    return;
  }
  const remover = event.target.closest("[data-rows-remove]");
  if (!remover) return;
  const row = remover.closest("[data-row]");
  const next = row.nextElementSibling ?? row.previousElementSibling;
  const control = row.querySelector(remover.dataset.rowsRemove);
  control.value = "";
  control.dispatchEvent(new Event("input", { bubbles: true }));
  row.hidden = true;
  next?.querySelector("[data-rows-remove]")?.focus();
});

function numbered(text, place) {
  return text.replaceAll("__prefix__", place).replaceAll("__number__", place + 1);
}
