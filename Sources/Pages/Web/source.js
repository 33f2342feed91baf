/** Where data comes from: this file itself, or the server that sent it. */
const embedded = JSON.parse(document.getElementById('data').textContent);

const source = {
  async ask(path) {
    const answer = await fetch(path, { credentials: 'same-origin', cache: 'no-store' });
    if (answer.status === 404) return null;
    if (answer.status === 202) throw new Error('the training starts');
    if (!answer.ok) throw new Error(answer.status === 401 ? 'open the address with its token again' : `status ${answer.status}`);
    return answer.json();
  },
  runs() { return embedded ? embedded.runs : this.ask('api/runs'); },
  run(name) { return embedded ? embedded.run : this.ask(`api/run/${encodeURIComponent(name)}`); },
  metrics(name, after) {
    return embedded ? embedded.metrics : this.ask(`api/run/${encodeURIComponent(name)}/metrics?after=${after}`);
  },
  comparison(names) { return this.ask('api/compare?runs=' + encodeURIComponent(names.join('/'))); },
  /** The address of a picture; null: a file does not have it. */
  picture(name, figure) {
    if (embedded) return embedded.pictures[figure.file] || null;
    return `api/run/${encodeURIComponent(name)}/figures/${encodeURIComponent(figure.file)}?v=${figure.changed}`;
  },
};

/** Hears that something is new: by server-sent events, and by asking where these do not come. */
const news = {
  lastEvent: 0,
  lostSince: null,
  /** Whether what is shown may change. */
  isMoving: false,
  changed: () => {},

  start(changed) {
    this.changed = changed;
    if (embedded) return this.say(`written ${new Date(embedded.written * 1000).toLocaleString()}`, false);
    const events = new EventSource('events');
    events.addEventListener('change', (event) => {
      this.lastEvent = Date.now();
      this.changed(JSON.parse(event.data));
    });
    // The browser tries again by itself; a question says why it has to.
    events.addEventListener('error', () => this.changed(null));
    events.addEventListener('open', () => { if (this.lostSince) this.changed(null); });
    // A proxy may hold events back, and a browser may give a server up that was away.
    setInterval(() => {
      if (events.readyState === EventSource.CLOSED || this.lostSince || (this.isMoving && Date.now() - this.lastEvent > 3000)) {
        this.changed(null);
      }
    }, 3000);
  },

  /** A question was answered, or was not. */
  heard(error) {
    if (!error) {
      this.lostSince = null;
      return this.say(this.isMoving ? 'live' : '', false);
    }
    this.lostSince = this.lostSince || new Date();
    const since = this.lostSince.toLocaleTimeString();
    return this.say(`not connected since ${since} (${error.message}); this is what was seen last`, true);
  },

  say(text, isLost) {
    const place = document.getElementById('connection');
    if (place.textContent !== text) place.textContent = text;
    place.classList.toggle('lost', isLost);
  },
};
