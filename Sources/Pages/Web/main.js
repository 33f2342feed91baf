/** Which view is shown is said by what follows # in the address. */
const page = {
  view: null,
  isBusy: false,
  isAskedAgain: false,

  async open() {
    const words = location.hash.replace(/^#\/?/, '').split('/').map((word) => {
      try { return decodeURIComponent(word); } catch { return word; }
    });
    const where = document.getElementById('where');
    if (embedded) words.splice(0, 2, 'run', embedded.name);
    if (words[0] === 'run' && words[1]) {
      this.view = new RunView(words[1]);
      where.textContent = `› ${words[1]}`;
    } else if (words[0] === 'compare' && words.length > 2) {
      this.view = new CompareView(words.slice(1));
      where.textContent = '› compare';
    } else {
      this.view = new RunsView();
      where.textContent = '';
    }
    document.title = `${words[1] && words[0] === 'run' ? words[1] + ' – ' : ''}Elbo`;
    const main = document.getElementById('main');
    main.replaceChildren(this.view.element);
    main.focus({ preventScroll: true });
    await this.update();
  },

  /** Asks for what is new. What comes in the meantime is asked for afterwards, once. */
  async update() {
    if (this.isBusy) { this.isAskedAgain = true; return; }
    this.isBusy = true;
    try {
      do {
        this.isAskedAgain = false;
        try {
          await this.view.update();
          news.heard(null);
        } catch (error) {
          news.heard(error);
        }
      } while (this.isAskedAgain);
    } finally {
      this.isBusy = false;
    }
  },

  async start() {
    window.addEventListener('hashchange', () => this.open());
    await this.open();
    news.start((names) => {
      if (!names || !(this.view instanceof RunView) || names.includes(this.view.name)) this.update();
    });
  },
};

const keys = {
  '/': ['search', () => document.getElementById('filter')?.focus()],
  l: ['log axis', () => page.view.settings?.toggleLog()],
  x: ['next x axis', () => page.view.settings?.nextAxis()],
  s: ['smoothing', () => document.getElementById('smoothing')?.focus()],
  g: ['mean over seeds', () => document.getElementById('group')?.click()],
  c: ['compare what is chosen', () => { const button = document.getElementById('compare'); if (button && !button.disabled) button.click(); }],
  d: ['light or dark', () => switchTheme()],
  h: ['all runs', () => { location.hash = '#/'; }],
  '?': ['these keys', () => showKeys()],
};

function showKeys() {
  const more = [['1 … 9', 'section of a run'], ['← →', 'move the cursor of a chart or a slider; with Shift: further'], ['Esc', 'close, or leave a field']];
  show(h('h2', {}, 'Keys'), table(['', ''], [...Object.entries(keys).map(([key, [text]]) => [key, text]), ...more].map(([key, text]) => [h('kbd', {}, key), text])));
}

function switchTheme() {
  const isDark = getComputedStyle(document.documentElement).colorScheme === 'dark'
    || (!document.documentElement.dataset.theme && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.dataset.theme = isDark ? 'light' : 'dark';
  memory.set('theme', document.documentElement.dataset.theme);
}

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.getElementById('box').open) return;
  if (event.target.matches('input[type="search"], select')) {
    if (event.key === 'Escape') event.target.blur();
    return;
  }
  if (/^[1-9]$/.test(event.key) && page.view.jump) return page.view.jump(Number(event.key) - 1);
  if (!keys[event.key]) return;
  event.preventDefault();
  keys[event.key][1]();
});
document.getElementById('help').addEventListener('click', showKeys);
document.getElementById('theme').addEventListener('click', switchTheme);
window.addEventListener('resize', () => { clearTimeout(page.resizing); page.resizing = setTimeout(() => (page.view.board || page.view).draw?.(), 150); });
if (memory.get('theme')) document.documentElement.dataset.theme = memory.get('theme');
page.start();
