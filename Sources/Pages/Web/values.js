'use strict';

/** Makes an element. What comes from data becomes text or the value of an attribute, never HTML. */
function h(tag, attributes, ...children) {
  const element = tag === 'svg' || h.drawing.has(tag)
    ? document.createElementNS('http://www.w3.org/2000/svg', tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === 'function') element.addEventListener(name, value);
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}
h.drawing = new Set(['g', 'path', 'line', 'rect', 'text', 'circle', 'title']);

/** A number as people read it: five digits that count, and all before the point. */
function number(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return '–';
  if (typeof value === 'string') return value;
  if (Number.isInteger(value) && Math.abs(value) < 1e9) return value.toLocaleString('en-US');
  const size = Math.abs(value);
  if (size >= 1e5 && size < 1e9) return Math.round(value).toLocaleString('en-US');
  return size !== 0 && (size < 1e-3 || size >= 1e7) ? value.toExponential(3) : String(Number(value.toPrecision(5)));
}

function duration(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return '–';
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

function bytes(count) {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let unit = 0;
  for (; count >= 1000 && unit < units.length - 1; unit += 1) count /= 1000;
  return unit === 0 ? `${count} B` : `${count.toFixed(1)} ${units[unit]}`;
}

function clock(seconds) { return new Date(seconds * 1000).toLocaleTimeString(); }

/** The part of the data and the rest of a metric's name: `test/cls/Acc` is of `test`, and `cls/Acc`. */
function split(metric) {
  const part = ['train', 'validation', 'test'].find((name) => metric.startsWith(name + '/'));
  return part ? [part, metric.slice(part.length + 1)] : ['', metric];
}

/** Mean and standard error; the error is null of a single value. */
function meanAndError(values) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  if (values.length < 2) return [mean, null];
  const square = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return [mean, Math.sqrt(square / (values.length - 1) / values.length)];
}

function state(name) { return h('span', { class: `state ${name.replace(/[^a-z]/g, '')}` }, name); }

/** A table. A cell is an element, a text, or a number, which is set to the right. */
function table(head, rows) {
  const isNumber = (cell) => typeof cell === 'number' || cell === null;
  const right = head.map((_, column) => rows.length > 0 && rows.every((row) => isNumber(row[column])));
  return h('div', { class: 'scroll' }, h('table', {},
    h('thead', {}, h('tr', {}, head.map((cell, column) =>
      h('th', { scope: 'col', class: right[column] ? 'number' : null }, cell)))),
    h('tbody', {}, rows.map((row) => h('tr', {}, row.map((cell, column) =>
      h('td', { class: right[column] ? 'number' : null }, isNumber(cell) ? number(cell) : cell)))))));
}

/** Draws a place anew; who was at an element there by the keyboard is at the one that took its place. */
function redraw(place, ...children) {
  const name = (element) => element.getAttribute('href') || element.getAttribute('aria-label') || element.textContent;
  const active = place.contains(document.activeElement) ? name(document.activeElement) : null;
  place.replaceChildren(...children);
  if (active === null) return;
  const same = [...place.querySelectorAll('a, input, button')].find((element) => name(element) === active);
  if (same) same.focus({ preventScroll: true });
}

/** What a browser keeps for the next time; one that keeps nothing forgets it. */
const memory = {
  get(key) { try { return localStorage.getItem('elbo-' + key); } catch { return null; } },
  set(key, value) { try { localStorage.setItem('elbo-' + key, value); } catch { /* It is a convenience. */ } },
};
