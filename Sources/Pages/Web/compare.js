const dashes = [null, '7 3', '2 2', '10 3 2 3'];

/** Some runs side by side: curves over each other, what of the recipes differs, and means over seeds. */
class CompareView {
  constructor(names) {
    this.names = names;
    this.metrics = names.map((name) => new Metrics(name));
    this.off = new Set();
    this.isGrouped = false;
    this.charts = new Map();
    this.settings = new CurveSettings(() => this.draw());
    this.group = h('button', { type: 'button', id: 'group', 'aria-pressed': 'false', click: () => {
      this.isGrouped = !this.isGrouped;
      this.group.setAttribute('aria-pressed', String(this.isGrouped));
      this.draw();
    } }, 'Mean over seeds');
    this.settings.element.append(this.group);
    this.legend = h('div', { class: 'bar', id: 'legend' });
    this.grid = h('div', { class: 'grid' });
    this.tables = h('div', {});
    this.element = h('div', {}, h('h1', {}, `${names.length} runs`), this.settings.element, this.legend, this.grid, this.tables);
  }

  async update() {
    const [list, comparison] = [await source.runs(), await source.comparison(this.names)];
    const changes = await Promise.all(this.metrics.map((metrics) => metrics.update()));
    this.runs = this.names.map((name) => list.runs.find((run) => run.name === name)).map((run, i) =>
      run || { name: this.names[i], state: 'gone', metrics: {}, group: '', model: '' });
    news.isMoving = this.runs.some((run) => run.state === 'running');
    const text = JSON.stringify([this.runs, comparison]);
    if (text === this.text && !changes.includes(true)) return;
    this.text = text;
    this.comparison = comparison;
    this.draw();
  }

  /** Runs that differ by their seed alone: [{ name, members }]. */
  groups() {
    const groups = new Map();
    this.runs.forEach((run, i) => {
      if (!groups.has(run.group)) groups.set(run.group, []);
      groups.get(run.group).push(i);
    });
    return [...groups.values()].map((members) => ({ members, name: members.length > 1 ? `${this.names[members[0]]} and ${members.length - 1} other seeds` : this.names[members[0]] }));
  }

  draw() {
    if (!this.runs) return;
    const groups = this.isGrouped ? this.groups() : this.runs.map((run, i) => ({ members: [i], name: run.name }));
    redraw(this.legend, ...groups.map((group, i) => h('label', {},
      h('input', { type: 'checkbox', 'aria-label': `Show ${group.name}`, checked: !this.off.has(group.name), change: (event) => {
        if (event.target.checked) this.off.delete(group.name); else this.off.add(group.name);
        this.draw();
      } }), Chart.key({ color: i, dash: dashes[Math.floor(i / 7) % 4] }),
      group.members.length === 1 ? h('a', { href: '#/run/' + encodeURIComponent(group.name) }, group.name) : group.name)));
    const names = [...new Set(this.metrics.flatMap((metrics) => Object.keys(metrics.curves)))]
      .filter((name) => name.toLowerCase().includes(this.settings.filter)).sort();
    for (const name of names) if (!this.charts.has(name)) this.charts.set(name, new Chart(name));
    this.grid.replaceChildren(...names.map((name) => this.charts.get(name).element));
    for (const name of names) {
      const series = groups.flatMap((group, i) => {
        if (this.off.has(group.name)) return [];
        const curves = group.members.map((member) => this.metrics[member].curves[name]).filter(Boolean);
        if (!curves.length) return [];
        const dash = dashes[Math.floor(i / 7) % 4];
        return [curves.length === 1 ? this.settings.series(group.name, i, dash, curves[0]) : this.mean(group.name, i, dash, curves)];
      });
      this.charts.get(name).draw(series, { isLog: this.settings.isLog, xLabel: this.settings.xLabel });
    }
    this.drawTables();
  }

  /** The mean of curves at the points of the first, with a band of one standard error to each side. */
  mean(name, color, dash, curves) {
    const axis = this.settings.axis;
    const xs = curves[0][axis].filter((x) => x !== null);
    const all = curves.map((curve) => {
      const y = this.settings.smoothed(curve.value);
      let i = 0;
      return xs.map((x) => {
        while (i < y.length - 1 && curve[axis][i + 1] <= x) i += 1;
        const [x0, x1] = [curve[axis][i], curve[axis][i + 1]];
        if (x < x0 || (x1 === undefined && x > x0)) return null;
        return x1 === undefined || x1 === x0 ? y[i] : y[i] + ((y[i + 1] - y[i]) * (x - x0)) / (x1 - x0);
      });
    });
    const found = xs.map((_, i) => {
      const values = all.map((y) => y[i]).filter((value) => value !== null && Number.isFinite(value));
      return values.length ? meanAndError(values) : [null, null];
    });
    const side = (sign) => found.map(([mean, error]) => (mean === null || error === null ? null : mean + sign * error));
    return { name, color, dash, x: xs, y: found.map(([mean]) => mean), error: found.map(([, error]) => error), low: side(-1), high: side(1) };
  }

  drawTables() {
    const link = (run) => h('a', { href: '#/run/' + encodeURIComponent(run.name) }, run.name);
    const all = [...new Set(this.runs.flatMap((run) => Object.keys(run.metrics)))].sort();
    const keys = (this.comparison || { keys: [] }).keys;
    const same = (run) => this.runs.filter((other) => other !== run && run.sha && other.sha === run.sha).map((other) => other.name).join(', ');
    const groups = this.groups().filter((group) => group.members.length > 1);
    this.tables.replaceChildren(
      h('h2', {}, 'What differs'),
      keys.length ? table(['key', ...this.runs.map(link)], keys.map((row) => [h('code', {}, row.key), ...row.values.map((value) => h('code', {}, value ?? '–'))])) : h('p', {}, 'The recipes are the same.'),
      h('h2', {}, 'Results'),
      table(['metric', ...this.runs.map(link)], [
        ['state', ...this.runs.map((run) => state(run.state))], ['training', ...this.runs.map((run) => duration(run.seconds))],
        ['same bits as', ...this.runs.map((run) => same(run) || '–')],
        ...all.map((metric) => [metric, ...this.runs.map((run) => number(run.metrics[metric]))]),
      ]),
      ...groups.flatMap((group) => {
        const members = group.members.map((i) => this.runs[i]);
        const rows = all.filter((metric) => members.every((run) => Number.isFinite(run.metrics[metric]))).map((metric) => {
          const [mean, error] = meanAndError(members.map((run) => run.metrics[metric]));
          return [metric, mean, error];
        });
        return [h('h2', {}, `Mean over ${members.length} seeds`), h('p', { class: 'faint' }, members.map((run) => run.name).join(', ')), table(['metric', 'mean', 'standard error'], rows)];
      }));
  }
}
