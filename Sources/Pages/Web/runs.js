/** Many runs: a list with sort and filter, and those of them that are compared. */
class RunsView {
  constructor() {
    this.order = { key: 'changed', isDown: true };
    this.filter = '';
    this.chosen = new Set();
    this.hidden = new Set(JSON.parse(memory.get('hidden') || '[]'));
    this.isHiddenShown = false;
    this.runs = [];
    this.search = h('input', {
      type: 'search', id: 'filter', placeholder: 'Name, model or state', 'aria-label': 'Show runs that hold this',
      input: () => { this.filter = this.search.value.toLowerCase(); this.draw(); },
    });
    this.compare = h('button', { type: 'button', id: 'compare', click: () => { location.hash = '#/compare/' + [...this.chosen].map(encodeURIComponent).join('/'); } });
    this.hide = h('button', { type: 'button', id: 'hide', click: () => this.hideChosen() }, 'Hide');
    this.unhide = h('button', { type: 'button', 'aria-pressed': 'false', click: () => {
      this.isHiddenShown = !this.isHiddenShown;
      this.unhide.setAttribute('aria-pressed', String(this.isHiddenShown));
      this.draw();
    } });
    this.count = h('span', { class: 'faint' });
    this.note = h('p', { class: 'note' });
    this.place = h('div', {});
    this.element = h('div', {}, h('h1', {}, 'Runs'), h('div', { class: 'bar' }, this.search, this.compare, this.hide, this.unhide, this.count),
      this.note, this.place);
  }

  async update() {
    const list = await source.runs();
    this.note.textContent = list.note;
    this.note.hidden = !list.note;
    news.isMoving = list.runs.some((run) => run.state === 'running');
    // The only run of a page of one is opened at once.
    if (!list.isMany && list.runs.length === 1) return location.replace('#/run/' + encodeURIComponent(list.runs[0].name));
    const text = JSON.stringify(list);
    if (text === this.text) return;
    this.text = text;
    this.runs = list.runs;
    this.draw();
  }

  hideChosen() {
    for (const name of this.chosen) { if (this.hidden.has(name)) this.hidden.delete(name); else this.hidden.add(name); }
    this.chosen.clear();
    memory.set('hidden', JSON.stringify([...this.hidden]));
    this.draw();
  }

  /** The metrics that most of the runs have, those on held-out data first. */
  columns(runs) {
    const counts = new Map();
    for (const run of runs) for (const metric of Object.keys(run.metrics)) counts.set(metric, (counts.get(metric) || 0) + 1);
    const rank = (metric) => ['test', 'validation', 'train', ''].indexOf(split(metric)[0]) + (metric.endsWith('/elbo') || metric.endsWith('/cls/Acc') || metric.endsWith('/reg/RMSE') ? -0.5 : 0);
    const names = [...counts].sort((a, b) => b[1] - a[1] || rank(a[0]) - rank(b[0]) || a[0].localeCompare(b[0])).map(([metric]) => metric).slice(0, 4);
    const sorted = this.order.key.startsWith('metrics.') ? this.order.key.slice(8) : null;
    return sorted && !names.includes(sorted) ? [...names, sorted] : names;
  }

  draw() {
    const shown = this.runs.filter((run) => (this.isHiddenShown || !this.hidden.has(run.name))
      && `${run.name} ${run.model} ${run.state}`.toLowerCase().includes(this.filter));
    const value = (run) => (this.order.key.startsWith('metrics.') ? run.metrics[this.order.key.slice(8)] : run[this.order.key]);
    const compare = (a, b) => {
      const [x, y] = [value(a), value(b)];
      if (x === undefined || x === null || y === undefined || y === null) return (x === undefined || x === null) - (y === undefined || y === null);
      const order = typeof x === 'number' ? x - y : String(x).localeCompare(String(y));
      return (this.order.isDown ? -order : order) || a.name.localeCompare(b.name);
    };
    shown.sort(compare);
    const metrics = this.columns(shown);
    const known = new Map();
    for (const run of this.runs) if (run.sha) known.set(run.sha, (known.get(run.sha) || 0) + 1);
    const head = (key, text, isNumber) => h('th', { scope: 'col', class: isNumber ? 'number' : null, 'aria-sort': this.order.key === key ? (this.order.isDown ? 'descending' : 'ascending') : null },
      h('button', { type: 'button', click: () => this.sort(key) }, text + (this.order.key === key ? (this.order.isDown ? ' ↓' : ' ↑') : '')));
    const row = (run) => h('tr', { class: this.hidden.has(run.name) ? 'hidden' : null },
      h('td', {}, h('input', { type: 'checkbox', 'aria-label': `Choose ${run.name}`, checked: this.chosen.has(run.name),
        change: (event) => { if (event.target.checked) this.chosen.add(run.name); else this.chosen.delete(run.name); this.tell(shown.length); } })),
      h('td', {}, h('a', { href: '#/run/' + encodeURIComponent(run.name) }, run.name)),
      h('td', {}, run.model), h('td', {}, state(run.state)), h('td', { class: 'number' }, number(run.steps)),
      h('td', { class: 'number' }, duration(run.seconds)),
      metrics.map((metric) => h('td', { class: 'number' }, number(run.metrics[metric]))),
      h('td', {}, h('code', {}, (run.sha || '').slice(0, 12)), known.get(run.sha) > 1 ? h('span', { class: 'faint' }, ` ×${known.get(run.sha)}`) : ''),
      h('td', { class: 'number' }, run.changed ? new Date(run.changed * 1000).toLocaleString() : '–'));
    redraw(this.place, h('div', { class: 'scroll' }, h('table', { id: 'runs' },
      h('thead', {}, h('tr', {}, h('th', {}, ''), head('name', 'run'), head('model', 'model'), head('state', 'state'), head('steps', 'steps', true),
        head('seconds', 'training', true), metrics.map((metric) => head('metrics.' + metric, metric, true)), head('sha', 'same bits'), head('changed', 'changed', true))),
      h('tbody', {}, shown.map(row)))));
    this.tell(shown.length);
  }

  sort(key) {
    this.order = { key, isDown: this.order.key === key ? !this.order.isDown : false };
    this.draw();
  }

  tell(count) {
    this.compare.textContent = `Compare ${this.chosen.size || ''}`.trim();
    this.compare.disabled = this.chosen.size < 2;
    this.hide.disabled = this.chosen.size === 0;
    this.unhide.textContent = `${this.hidden.size} hidden`;
    this.unhide.hidden = this.hidden.size === 0;
    this.count.textContent = count === this.runs.length ? `${count} runs` : `${count} of ${this.runs.length} runs`;
  }
}
