const live = document.getElementById('live'), button = live.querySelector('button');
const paused = () => button.getAttribute('aria-pressed') === 'true';
async function next() {
  if (paused()) return;
  try {
    const answer = await fetch(location.href, {cache: 'no-store'});
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    if (paused()) return;
    for (const name of ['h1', '.lead', '.trust', 'main']) {
      const here = document.querySelector(name), there = page.querySelector(name);
      if (here && there && here.innerHTML !== there.innerHTML) here.innerHTML = there.innerHTML;
    }
    document.getElementById('lost').hidden = true;
  } catch { document.getElementById('lost').hidden = false; }
}
if (location.protocol !== 'file:') {
  button.hidden = false;
  button.onclick = () => button.setAttribute('aria-pressed', String(!paused()));
  setInterval(next, 1000 * live.dataset.seconds);
}
