// Runs in the sign-in window: hands the answer to the page that opened it, if that is of the origin that asked.
{
  const { origin, answer } = document.currentScript.dataset;
  window.opener?.postMessage(JSON.parse(answer), origin);
}
