// data-print: prints the page, once its pictures are here. Without scripts the button is not shown; the browser's own menu
// does the same.
document.addEventListener("click", async (event) => {
  if (!event.target.closest("[data-print]")) return;
  const late = [...document.querySelectorAll("img[loading=lazy]")];
  for (const picture of late) picture.loading = "eager";
  const patience = new Promise((resolve) => setTimeout(resolve, 5000));
  await Promise.race([Promise.allSettled(late.map((picture) => picture.decode())), patience]);
  window.print();
});
