// Other programs: the customer's page opens once for each call, telephone links are taken by this browser.
function openCustomer() {
  const link = document.querySelector("#customer-page[data-opens]");
  if (!link) return;
  const opened = `customer:${link.dataset.call}`;
  if (sessionStorage.getItem(opened)) return;
  sessionStorage.setItem(opened, "1");
  window.open(link.href, "callbox-customer", "noopener");
}
document.addEventListener("htmx:after:swap", openCustomer);
openCustomer();

document.getElementById("register-links")?.addEventListener("click", (event) => {
  navigator.registerProtocolHandler?.("tel", `${location.origin}${event.target.dataset.address}?number=%s`);
});
