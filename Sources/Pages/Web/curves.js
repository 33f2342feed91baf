/** The metrics of a run, as far as they were told. */
class Metrics {
  constructor(name) {
    this.name = name;
    this.end = 0;
    this.curves = {};
    this.note = '';
  }

  /** Asks for what is new; returns whether anything is. */
  async update() {
    let told = await source.metrics(this.name, this.end);
    if (!told) return false;
    const last = this.lastStep();
    const news = Object.values(told.curves);
    // A resumed training writes some steps again; and after some time there are many points.
    const isStale = !told.isNew && news.some((c) => c.step.length > 0 && c.step[0] <= last && this.end > 0);
    const isLong = !told.isNew && Object.values(this.curves).some((c) => c.step.length > 4000);
    if (isStale || isLong) told = await source.metrics(this.name, 0);
    const isChanged = told.isNew || told.end !== this.end || told.note !== this.note;
    if (told.isNew) this.curves = {};
    for (const [name, curve] of Object.entries(told.curves)) {
      const known = this.curves[name];
      if (!known) this.curves[name] = curve;
      else for (const key of ['step', 'epoch', 'seconds', 'value']) known[key].push(...curve[key]);
    }
    this.end = told.end;
    this.note = told.note;
    return isChanged;
  }

  lastStep() { return Math.max(0, ...Object.values(this.curves).map((c) => c.step[c.step.length - 1] || 0)); }

  /** The newest point of all: { step, epoch, seconds, rate }. */
  last() {
    let best = null;
    for (const curve of Object.values(this.curves)) {
      const i = curve.step.length - 1;
      if (i >= 0 && (!best || curve.step[i] > best.step)) best = { step: curve.step[i], epoch: curve.epoch[i], seconds: curve.seconds[i] };
    }
    if (best) best.rate = this.curves.examples_per_second?.value.at(-1);
    return best;
  }

  /** A value of the x axis at a step, between the points that are known. */
  at(step, axis) {
    if (axis === 'step') return step;
    let best = null;
    for (const curve of Object.values(this.curves)) {
      for (let i = 0; i < curve.step.length; i += 1) {
        if (best === null || Math.abs(curve.step[i] - step) < Math.abs(best[0] - step)) best = [curve.step[i], curve[axis][i]];
      }
    }
    return best === null ? null : best[1];
  }
}

/** How curves are looked at: the same for all charts. */
class CurveSettings {
  constructor(changed) {
    this.smoothing = Number(memory.get('smoothing') || 0);
    this.axis = memory.get('axis') || 'step';
    this.isLog = memory.get('log') === 'true';
    this.filter = '';
    this.changed = changed;
    const slider = h('input', {
      type: 'range', min: 0, max: 0.99, step: 0.01, id: 'smoothing', value: this.smoothing,
      input: () => this.set('smoothing', Number(slider.value)),
    });
    this.shown = h('span', { class: 'faint' });
    this.axes = h('select', { id: 'axis', change: () => this.set('axis', this.axes.value) },
      [['step', 'step'], ['epoch', 'epoch'], ['seconds', 'time']].map(([value, text]) =>
        h('option', { value, selected: value === this.axis }, text)));
    this.log = h('button', { type: 'button', id: 'log', 'aria-pressed': String(this.isLog), click: () => this.toggleLog() }, 'Log axis');
    this.search = h('input', {
      type: 'search', id: 'filter', placeholder: 'Metrics', 'aria-label': 'Show metrics whose name holds this',
      input: () => { this.filter = this.search.value.toLowerCase(); this.changed(); },
    });
    this.element = h('div', { class: 'bar' },
      h('label', {}, 'Smoothing ', slider, this.shown), h('label', {}, 'x ', this.axes), this.log, this.search);
    this.tell();
  }

  set(key, value) {
    this[key] = value;
    memory.set(key, String(value));
    this.tell();
    this.changed();
  }

  toggleLog() {
    this.isLog = !this.isLog;
    this.log.setAttribute('aria-pressed', String(this.isLog));
    memory.set('log', String(this.isLog));
    this.changed();
  }

  nextAxis() {
    const names = ['step', 'epoch', 'seconds'];
    this.axes.value = names[(names.indexOf(this.axis) + 1) % 3];
    this.set('axis', this.axes.value);
  }

  tell() { this.shown.textContent = this.smoothing.toFixed(2); }

  get xLabel() { return { step: 'step', epoch: 'epoch', seconds: 'seconds' }[this.axis]; }

  /** The running mean that forgets, without the pull of its start toward 0 (Kingma and Ba 2015, section 3). */
  smoothed(values) {
    if (!this.smoothing) return values;
    let [mean, weight] = [0, 0];
    return values.map((value) => {
      if (value === null) return null;
      mean = this.smoothing * mean + (1 - this.smoothing) * value;
      weight = this.smoothing * weight + (1 - this.smoothing);
      return mean / weight;
    });
  }

  /** A curve as a chart wants it. */
  series(name, color, dash, curve) {
    const y = this.smoothed(curve.value);
    return { name, color, dash, x: curve[this.axis], y, raw: this.smoothing ? curve.value : null };
  }
}

const parts = { train: [0, null], validation: [1, '7 3'], test: [2, '2 2'], '': [5, null] };
const objectives = ['elbo', 'objective', 'loss', 'nll', 'kl', 'reconstruction', 'log_likelihood', 'bound', 'discriminator', 'generator'];

/** The charts of one run: a metric each, with all parts of the data together. */
class CurveBoard {
  constructor(metrics) {
    this.metrics = metrics;
    this.charts = new Map();
    this.marks = [];
    this.settings = new CurveSettings(() => this.draw());
    this.first = h('div', { class: 'grid' });
    this.rest = h('div', { class: 'grid' });
    this.note = h('p', { class: 'note' });
    this.restTitle = h('h2', {}, 'Other metrics');
    this.element = h('section', { id: 'curves' }, h('h2', {}, 'Objective and its terms'), this.settings.element, this.note,
      this.first, this.restTitle, this.rest);
  }

  draw() {
    const groups = new Map();
    for (const metric of Object.keys(this.metrics.curves)) {
      const [part, name] = split(metric);
      if (!name.toLowerCase().includes(this.settings.filter)) continue;
      if (!groups.has(name)) groups.set(name, []);
      groups.get(name).push([part, metric]);
    }
    const rank = (name) => {
      const place = objectives.findIndex((word) => name === word || name.startsWith(word + '_'));
      return place < 0 ? objectives.length : place;
    };
    const names = [...groups.keys()].sort((a, b) => rank(a) - rank(b) || a.localeCompare(b));
    this.note.textContent = this.metrics.note;
    this.note.hidden = !this.metrics.note;
    const isFirst = (name) => !name.includes('/') && name !== 'examples_per_second';
    for (const [place, wanted] of [[this.first, names.filter(isFirst)], [this.rest, names.filter((name) => !isFirst(name))]]) {
      for (const name of wanted) if (!this.charts.has(name)) this.charts.set(name, new Chart(name));
      const elements = wanted.map((name) => this.charts.get(name).element);
      if (elements.length !== place.children.length || elements.some((element, i) => place.children[i] !== element)) {
        place.replaceChildren(...elements);
      }
    }
    this.restTitle.hidden = !this.rest.children.length;
    const marks = this.marks.map((mark) => ({ x: this.metrics.at(mark.step, this.settings.axis), text: mark.text }));
    for (const name of names) {
      const series = groups.get(name).sort().reverse().map(([part, metric]) =>
        this.settings.series(part || name, ...parts[part], this.metrics.curves[metric]));
      this.charts.get(name).draw(series, { isLog: this.settings.isLog, xLabel: this.settings.xLabel, marks });
    }
  }
}
