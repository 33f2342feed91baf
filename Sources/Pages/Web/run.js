/** The page of one run. */
class RunView {
  constructor(name) {
    this.name = name;
    this.metrics = new Metrics(name);
    this.board = new CurveBoard(this.metrics);
    this.settings = this.board.settings;
    this.head = h('section', { id: 'head' });
    this.sections = h('nav', { class: 'bar', 'aria-label': 'Sections' });
    this.figures = new FigureBoard(name);
    this.shown = {};
    const place = (id) => h('section', { id });
    this.places = {
      results: place('results'), uncertainty: place('uncertainty'), nodes: place('nodes'), recipe: place('recipe'),
      environment: place('environment'),
    };
    const { results, uncertainty, nodes, recipe, environment } = this.places;
    this.element = h('div', {}, this.head, this.sections, nodes, this.board.element, this.figures.element, uncertainty, results,
      recipe, environment);
  }

  /** Asks for what is new, and draws it. */
  async update() {
    const run = await source.run(this.name);
    if (!run) {
      this.head.replaceChildren(h('h1', {}, this.name), h('p', { class: 'note' }, 'This run is there no more.'));
      return;
    }
    const isNew = await this.metrics.update();
    news.isMoving = ['running', 'starting'].includes(run.state);
    this.drawHead(run);
    const marks = JSON.stringify(run.marks);
    if (isNew || marks !== this.shown.marks) {
      this.shown.marks = marks;
      this.board.marks = run.marks;
      this.board.draw();
    }
    // The curves are drawn above.
    this.figures.draw(run.figures.filter((figure) => figure.name !== 'curves' && !isAboutTrust(figure.name)));
    this.once('nodes', [run.cluster, run.silentSince, run.marks], () => nodeSection(run));
    this.once('uncertainty', [run.summary, run.figures, run.posterior], () => trustSection(this.name, run));
    this.once('results', [run.summary], () => resultSection(run));
    this.once('recipe', run.recipe, () => recipeSection(run));
    this.once('environment', [run.environment, run.notes], () => environmentSection(run));
    this.drawSections();
  }

  /** Draws a section anew when what it shows has changed. */
  once(name, data, make) {
    const text = JSON.stringify(data);
    if (this.shown[name] === text) return;
    this.shown[name] = text;
    this.places[name].replaceChildren(...make());
  }

  /** The sections that show something. */
  there() { return [...this.element.children].filter((e) => e.id && !e.hidden && e.querySelector('h2')); }

  drawSections() {
    const there = this.there();
    const text = there.map((e) => e.id).join();
    if (this.shown.sections === text) return;
    this.shown.sections = text;
    this.sections.replaceChildren(...there.map((section, i) => h('button', {
      type: 'button', title: `Key ${i + 1}`, click: () => this.jump(i),
    }, section.querySelector('h2').textContent)));
  }

  jump(index) {
    const there = this.there();
    if (there[index]) there[index].scrollIntoView({ block: 'start' });
  }

  drawHead(run) {
    const summary = run.summary || {};
    const isMoving = ['running', 'starting'].includes(run.state);
    const last = { ...(this.metrics.last() || {}), ...run.progress };
    const done = last.steps ? (last.step || 0) / last.steps : last.epochs ? (last.epoch || 0) / last.epochs : null;
    let left = last.secondsLeft;
    if (isMoving && (left === null || left === undefined) && done && !('step' in run.progress)) left = (last.seconds / done) * (1 - done);
    const of = (value, whole) => (whole ? `${number(value)} of ${number(whole)}` : number(value));
    const step = isMoving ? last.step : summary.steps ?? last.step;
    const epoch = isMoving ? last.epoch : summary.epochs ?? last.epoch;
    const seconds = isMoving ? last.seconds : summary.seconds ?? last.seconds;
    const rate = isMoving ? run.cluster?.examples_per_second ?? run.progress.examplesPerSecond ?? this.metrics.last()?.rate : summary.examples_per_second;
    const facts = [
      ['step', of(step, isMoving ? last.steps : null)],
      ['epoch', of(epoch === undefined || epoch === null ? null : Number(epoch.toFixed(2)), isMoving ? last.epochs : null)],
      ['training', duration(seconds)],
      isMoving ? ['left', duration(left)] : null,
      ['examples/s', number(Math.round(rate))],
      summary.parameters ? ['parameters', number(summary.parameters)] : null,
      ...Object.entries(run.progress.metrics || {}).slice(0, 4).map(([name, value]) => [name, number(value)]),
    ].filter(Boolean);
    const hash = summary.parameters_sha256 && !isMoving;
    this.head.replaceChildren(
      h('div', { class: 'bar' }, h('h1', {}, run.name), state(run.state)),
      h('p', { class: 'faint' }, `${run.model}${run.about ? ': ' + run.about : ''}`),
      ...(isMoving && done !== null ? [h('progress', { max: 1, value: Math.min(done, 1), 'aria-label': 'How much of the training is done' })] : []),
      h('dl', { class: 'facts' }, facts.map(([name, value]) => h('div', {}, h('dt', {}, name), h('b', {}, value)))),
      ...(hash ? [h('p', {}, h('span', { class: 'faint' }, 'parameters_sha256 '), h('code', {}, summary.parameters_sha256))] : []),
      ...(run.same.length ? [h('p', {}, 'The same parameters, bit for bit: ',
        run.same.flatMap((name, i) => [i ? ', ' : '', h('a', { href: '#/run/' + encodeURIComponent(name) }, name)]))] : []),
      ...(summary.numerics_changes ? [h('p', { class: 'note' }, `Numbers came out otherwise from step ${summary.numerics_changes.join(', ')} on.`)] : []),
    );
  }
}

/** Pictures, those of one thing at several steps under a slider. */
class FigureBoard {
  constructor(run) {
    this.run = run;
    this.cards = new Map();
    this.grid = h('div', { class: 'grid' });
    this.element = h('section', { id: 'figures' }, h('h2', {}, 'Figures'), this.grid);
  }

  draw(figures) {
    const groups = new Map();
    for (const figure of figures) {
      if (!groups.has(figure.name)) groups.set(figure.name, []);
      groups.get(figure.name).push(figure);
    }
    this.element.hidden = groups.size === 0;
    for (const [name, items] of groups) {
      items.sort((a, b) => (a.step ?? Infinity) - (b.step ?? Infinity));
      if (!this.cards.has(name)) {
        this.cards.set(name, new FigureCard(this.run, name));
        this.grid.append(this.cards.get(name).element);
      }
      this.cards.get(name).draw(items);
    }
    for (const [name, card] of this.cards) if (!groups.has(name)) { card.element.remove(); this.cards.delete(name); }
  }
}

class FigureCard {
  constructor(run, name) {
    this.run = run;
    this.items = [];
    this.image = h('img', {
      alt: '', loading: 'lazy',
      load: () => this.image.classList.toggle('small', this.image.naturalWidth < 400),
    });
    this.open = h('button', { type: 'button', class: 'plain', click: () => show(h('img', { src: this.image.src, alt: this.image.alt })) }, this.image);
    this.caption = h('span', { class: 'faint' });
    this.slider = h('input', { type: 'range', min: 0, step: 1, 'aria-label': `Step of ${name}`, input: () => this.place() });
    this.element = h('figure', { class: 'card figure', style: null }, h('h3', {}, name), this.caption, this.slider, this.open);
  }

  draw(items) {
    const text = JSON.stringify(items);
    if (text === this.text) return;
    this.text = text;
    const isAtEnd = !this.items.length || Number(this.slider.value) >= this.items.length - 1;
    this.items = items;
    this.slider.max = items.length - 1;
    this.slider.hidden = items.length < 2;
    // Who looks at an earlier step goes on looking at it.
    if (isAtEnd) this.slider.value = items.length - 1;
    this.place();
  }

  place() {
    const item = this.items[Number(this.slider.value)] || this.items[this.items.length - 1];
    const address = source.picture(this.run, item);
    this.caption.textContent = item.step !== null ? `step ${number(item.step)}` : this.items.length > 1 ? 'at the end' : '';
    this.image.alt = `${item.name} ${this.caption.textContent}`.trim();
    if (item.file.endsWith('.pdf')) {
      this.open.replaceChildren(address ? h('a', { href: address }, item.file) : `${item.file} is not in this file`);
    } else if (address && this.image.getAttribute('src') !== address) {
      this.image.setAttribute('src', address);
    }
  }
}

/** Shows something large, until Escape. */
function show(...content) {
  document.getElementById('boxed').replaceChildren(...content);
  document.getElementById('box').showModal();
}
