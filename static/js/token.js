// The form of a new token (data-token) says in one sentence what the token will be able to do (data-token-sentence).
(() => {
  const listed = (words) => (words.length > 1 ? `${words.slice(0, -1).join(", ")} and ${words.at(-1)}` : words[0]);
  const chosen = (form, name) =>
    [...form.querySelectorAll(`input[name="${name}"]:checked`)].map((box) => box.closest("label").textContent.trim());
  const picked = (form, name) => form.elements[name].selectedOptions[0];

  const say = (form) => {
    const models = chosen(form, "models");
    const actions = chosen(form, "actions");
    const owner = picked(form, "owner");
    const missing = [
      !owner?.value && "an owner",
      !models.length && "a model",
      !actions.length && "an action",
    ].filter(Boolean);
    if (missing.length) return `Choose ${listed(missing)}.`;
    const end = new Date(Date.now() + Number(picked(form, "days").value) * 86_400_000);
    const until = `${end.toISOString().slice(0, 16).replace("T", " ")} UTC`;
    const place = picked(form, "environment").textContent.toLowerCase();
    return `${owner.textContent} may ${listed(actions).toLowerCase()} with ${listed(models)} in ${place} until ${until}.`;
  };

  const update = (form) => {
    form.querySelector("[data-token-sentence]").textContent = say(form);
  };

  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("[data-token]").forEach(update));
  document.addEventListener("input", (event) => {
    const form = event.target.closest?.("[data-token]");
    if (form) update(form);
  });
})();
