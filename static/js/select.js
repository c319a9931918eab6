// Bulk select. A form[data-bulk] holds a checkbox [data-select-all], rows [data-select-row], a text
// [data-select-count] and buttons [data-select-needed], which wait until something is selected.
(() => {
  const update = (form) => {
    const rows = [...form.querySelectorAll("[data-select-row]")];
    const count = rows.filter((row) => row.checked).length;
    const all = form.querySelector("[data-select-all]");
    if (all) {
      all.checked = rows.length > 0 && count === rows.length;
      all.indeterminate = count > 0 && count < rows.length;
    }
    for (const text of form.querySelectorAll("[data-select-count]")) {
      text.textContent = count ? `${count} selected` : "None selected";
    }
    for (const button of form.querySelectorAll("[data-select-needed]")) button.disabled = !count;
  };

  const start = () => document.querySelectorAll("form[data-bulk]").forEach(update);

  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-bulk]");
    if (!form) return;
    if (event.target.matches("[data-select-all]")) {
      for (const row of form.querySelectorAll("[data-select-row]")) row.checked = event.target.checked;
    }
    update(form);
  });
  document.addEventListener("DOMContentLoaded", start);
  document.addEventListener("htmx:afterSettle", start);
})();
