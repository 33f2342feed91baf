/** A chart of curves. Keys left and right move a cursor; what is under it is read out above. */
class Chart {
  constructor(title) {
    this.readout = h('div', { class: 'readout', 'aria-live': 'off' });
    this.drawing = h('svg', {
      role: 'img', tabindex: '0', 'aria-label': title,
      keydown: (event) => this.key(event), blur: () => this.point(null),
      pointermove: (event) => this.move(event), pointerleave: () => this.point(null),
    });
    this.element = h('div', { class: 'card chart' }, h('h3', {}, title), this.readout, this.drawing);
    this.series = [];
    this.options = {};
  }

  /**
   * Draws anew. A series is { name, color (0…6), dash, x, y, raw, low, high }; y may hold null, where the curve breaks.
   * Options: isLog, xLabel, marks ([{ x, text }]), ySpan.
   */
  draw(series, options) {
    this.series = series;
    this.options = options;
    this.render();
  }

  render() {
    const width = Math.max(260, Math.round(this.drawing.clientWidth || 400));
    const height = Math.round(Math.min(240, width * 0.58));
    const box = { left: 58, right: width - 10, top: 8, bottom: height - 32 };
    this.box = box;
    const isLog = this.options.isLog && this.series.some((s) => s.y.some((y) => y > 0));
    const usable = (y) => y !== null && Number.isFinite(y) && (!isLog || y > 0);
    const xs = this.series.flatMap((s) => s.x.filter((x) => x !== null));
    const ys = this.series.flatMap((s) => [s.y, s.raw, s.low, s.high].filter(Boolean).flat().filter(usable));
    this.drawing.setAttribute('viewBox', `0 0 ${width} ${height}`);
    this.drawing.replaceChildren();
    if (!xs.length || !ys.length) {
      this.drawing.append(h('text', { x: width / 2, y: height / 2, 'text-anchor': 'middle' }, 'no numbers yet'));
      return;
    }
    const x = Chart.scale(xs, box.left, box.right, false);
    const y = Chart.scale(this.options.ySpan || ys, box.bottom, box.top, isLog);
    this.scales = { x, y };
    for (const tick of y.ticks) {
      this.drawing.append(
        h('line', { class: 'gridline', x1: box.left, x2: box.right, y1: y.at(tick), y2: y.at(tick) }),
        h('text', { x: box.left - 5, y: y.at(tick) + 4, 'text-anchor': 'end' }, Chart.tick(tick)));
    }
    for (const tick of x.ticks) {
      const anchor = x.at(tick) > box.right - 14 ? 'end' : 'middle';
      this.drawing.append(h('text', { x: x.at(tick), y: box.bottom + 14, 'text-anchor': anchor }, Chart.tick(tick)));
    }
    this.drawing.append(h('text', { x: box.right, y: height - 4, 'text-anchor': 'end' }, this.options.xLabel || ''));
    for (const mark of this.options.marks || []) {
      if (mark.x === null || x.at(mark.x) < box.left - 1 || x.at(mark.x) > box.right + 1) continue;
      this.drawing.append(h('line',
        { class: 'fault', x1: x.at(mark.x), x2: x.at(mark.x), y1: box.top, y2: box.bottom }, h('title', {}, mark.text)));
    }
    for (const s of this.series) {
      const stroke = `var(--c${s.color % 7})`;
      if (s.low) {
        const there = s.x.map((_, i) => i).filter((i) => usable(s.low[i]) && usable(s.high[i]));
        const edge = (i, side) => `${x.at(s.x[i]).toFixed(1)},${y.at(side[i]).toFixed(1)}`;
        const around = [...there.map((i) => edge(i, s.high)), ...there.reverse().map((i) => edge(i, s.low))];
        this.drawing.append(h('path', { class: 'band', fill: stroke, d: around.length ? `M${around.join('L')}Z` : '' }));
      }
      if (s.raw) this.drawing.append(h('path', { class: 'curve raw', stroke, d: this.path(s.x, s.raw, usable) }));
      this.drawing.append(h('path', { class: 'curve', stroke, 'stroke-dasharray': s.dash, d: this.path(s.x, s.y, usable) }));
      const last = s.y.findLastIndex(usable);
      if (s.y.filter(usable).length === 1) {
        this.drawing.append(h('circle', { cx: x.at(s.x[last]), cy: y.at(s.y[last]), r: 3, fill: stroke }));
      }
    }
    this.cursor = h('line', { class: 'cursor', y1: box.top, y2: box.bottom, visibility: 'hidden' });
    this.drawing.append(this.cursor);
    this.point(this.at ?? null);
  }

  path(xs, ys, usable) {
    let [text, isDown] = ['', false];
    for (let i = 0; i < xs.length; i += 1) {
      if (xs[i] === null || !usable(ys[i])) { isDown = false; continue; }
      text += `${isDown ? 'L' : 'M'}${this.scales.x.at(xs[i]).toFixed(1)} ${this.scales.y.at(ys[i]).toFixed(1)}`;
      isDown = true;
    }
    return text;
  }

  /** Reads out the values at a place of the x axis; null: the last ones. */
  point(x) {
    this.at = x;
    if (!this.cursor) return;
    const items = this.series.map((s) => {
      let place = s.y.findLastIndex((y) => y !== null);
      if (x !== null) {
        place = s.x.reduce((best, value, i) =>
          (s.y[i] !== null && (best < 0 || Math.abs(value - x) < Math.abs(s.x[best] - x)) ? i : best), -1);
      }
      const error = s.error && s.error[place] !== null ? ` ± ${number(s.error[place])}` : '';
      return h('span', {}, Chart.key(s), `${s.name} ${place < 0 ? '–' : number(s.y[place])}${error}`);
    });
    if (x !== null) {
      const mark = (this.options.marks || []).find((m) => Math.abs(this.scales.x.at(m.x) - this.scales.x.at(x)) < 6);
      items.unshift(h('span', {}, `${this.options.xLabel} ${number(x)}`));
      if (mark) items.push(h('span', {}, mark.text));
      const position = this.scales.x.at(x);
      for (const name of ['x1', 'x2']) this.cursor.setAttribute(name, position);
    }
    this.cursor.setAttribute('visibility', x === null ? 'hidden' : 'visible');
    this.readout.replaceChildren(...items);
  }

  move(event) {
    if (!this.scales) return;
    const area = this.drawing.getBoundingClientRect();
    const place = ((event.clientX - area.left) / area.width) * this.drawing.viewBox.baseVal.width;
    this.point(this.nearest(this.scales.x.from(place)));
  }

  key(event) {
    const direction = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!direction || !this.scales) return;
    event.preventDefault();
    const xs = this.places();
    const here = this.at === null || this.at === undefined ? (direction > 0 ? -1 : xs.length) : xs.indexOf(this.nearest(this.at));
    const stride = event.shiftKey ? Math.max(1, Math.round(xs.length / 20)) : 1;
    this.point(xs[Math.min(xs.length - 1, Math.max(0, here + direction * stride))]);
  }

  places() { return [...new Set(this.series.flatMap((s) => s.x.filter((x) => x !== null)))].sort((a, b) => a - b); }

  nearest(x) {
    return this.places().reduce((best, value) => (Math.abs(value - x) < Math.abs(best - x) ? value : best), Infinity);
  }

  static key(series) {
    return h('svg', { class: 'key', viewBox: '0 0 20 8', 'aria-hidden': 'true' }, h('line', {
      x1: 0, x2: 20, y1: 4, y2: 4, stroke: `var(--c${series.color % 7})`, 'stroke-width': 3, 'stroke-dasharray': series.dash,
    }));
  }

  /** Maps values onto pixels, with ticks at round numbers. */
  static scale(values, from, to, isLog) {
    const use = isLog ? Math.log10 : (value) => value;
    let [low, high] = [Infinity, -Infinity];
    for (const value of values) { low = Math.min(low, use(value)); high = Math.max(high, use(value)); }
    if (low === high) { const room = Math.abs(low) * 0.1 || 1; low -= isLog ? 0.5 : room; high += isLog ? 0.5 : room; }
    const at = (value) => from + ((use(value) - low) / (high - low)) * (to - from);
    const count = Math.max(2, Math.floor(Math.abs(to - from) / (from > to ? 42 : 75)));
    const step = Chart.step((high - low) / count);
    const ticks = [];
    if (isLog && high - low >= 1) {
      for (let power = Math.ceil(low); power <= high; power += Math.max(1, Math.round((high - low) / count))) ticks.push(10 ** power);
    } else {
      const [a, b] = isLog ? [10 ** low, 10 ** high] : [low, high];
      const width = isLog ? Chart.step((b - a) / count) : step;
      for (let tick = Math.ceil(a / width) * width; tick <= b + width * 1e-6; tick += width) ticks.push(Number(tick.toPrecision(12)));
    }
    return { at, ticks, from: (pixel) => low + ((pixel - from) / (to - from)) * (high - low) };
  }

  static step(rough) {
    const power = 10 ** Math.floor(Math.log10(rough));
    return [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999) * power;
  }

  static tick(value) {
    const size = Math.abs(value);
    if (size >= 1e6 || (size < 1e-3 && size > 0)) return value.toExponential().replace('e+', 'e');
    return size >= 1e4 ? `${Number((value / 1e3).toPrecision(6))}k` : String(Number(value.toPrecision(6)));
  }
}
