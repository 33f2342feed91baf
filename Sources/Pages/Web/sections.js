/** Figures that say how far predictions can be trusted. */
function isAboutTrust(name) { return /^(reliability|confusion|rotation|rotated|calibration|coverage|signal-to-noise|weights|posterior)/.test(name); }

const measures = [
  ['cal/ECE', 'expected calibration error'], ['cls/NLL', 'nats'], ['cls/Brier', 'Brier score'],
  ['cls/Entropy', 'total uncertainty, nats'], ['aleatoric', 'of the data, nats'], ['cls/MI', 'epistemic: of the parameters, nats'],
  ['seg/aleatoric', 'of the data, nats'], ['seg/epistemic', 'of the parameters, nats'],
  ['reg/NLL', 'nats'], ['ood/AUROC', 'other data recognized'], ['ood/AUPR', ''], ['ood/FPR95', ''],
];

/** How sure the model is, and how right it is to be. */
function trustSection(name, run) {
  const metrics = { ...((run.summary || {}).metrics || {}) };
  for (const part of Object.keys(parts)) {
    const [total, epistemic] = [metrics[`${part}/cls/Entropy`], metrics[`${part}/cls/MI`]];
    if (total !== undefined && epistemic !== undefined) metrics[`${part}/aleatoric`] = total - epistemic;
  }
  const there = ['test', 'validation', 'train'].filter((part) => measures.some(([key]) => `${part}/${key}` in metrics));
  const rows = measures.filter(([key]) => there.some((part) => `${part}/${key}` in metrics)).map(([key, meaning]) =>
    [key, ...there.map((part) => metrics[`${part}/${key}`] ?? null), h('span', { class: 'faint' }, meaning)]);
  const figures = new FigureBoard(name);
  figures.draw(run.figures.filter((figure) => isAboutTrust(figure.name)));
  const coverage = coverageChart(metrics);
  if (coverage) figures.grid.prepend(coverage.element);
  const posterior = run.posterior && Array.isArray(run.posterior.tensors) ? run.posterior.tensors : [];
  if (!rows.length && !figures.grid.children.length && !posterior.length) return [];
  // Of no size before it is in the page.
  if (coverage) requestAnimationFrame(() => coverage.render());
  return [
    h('h2', {}, 'Uncertainty'), ...(rows.length ? [table(['', ...there, ''], rows)] : []), figures.grid,
    ...(posterior.length ? [h('h2', {}, 'Posterior of the weights'), table(['tensor', 'weights', 'KL, nats', 'nats per weight'],
      posterior.map((tensor) => [h('code', {}, String(tensor.name)), tensor.weights, tensor.kl, tensor.kl / tensor.weights]))] : []),
  ];
}

/** The share of targets inside intervals, beside the share that was promised. */
function coverageChart(metrics) {
  const series = [];
  for (const part of ['test', 'validation', 'train']) {
    const points = Object.entries(metrics).flatMap(([metric, value]) => {
      const match = metric.match(/^(.*)\/reg\/Coverage(\d+)$/);
      return match && match[1] === part ? [[Number(match[2]) / 100, value]] : [];
    }).sort((a, b) => a[0] - b[0]);
    if (points.length) series.push({ name: part, color: parts[part][0], dash: parts[part][1], x: points.map((p) => p[0]), y: points.map((p) => p[1]) });
  }
  if (!series.length) return null;
  const chart = new Chart('coverage of intervals');
  const ideal = { name: 'as promised', color: 5, dash: '2 4', x: [0, 1], y: [0, 1] };
  chart.series = [...series, ideal];
  chart.options = { xLabel: 'promised' };
  return chart;
}

/** Who computes, who is waited for, and what has happened. */
function nodeSection(run) {
  const job = run.cluster;
  if (!job) return [];
  const names = Object.fromEntries(job.nodes.map((node) => [node.node, node.name]));
  const rows = job.nodes.map((node) => [
    node.name, state(node.state), node.stage, node.lanes,
    node.shards[1] > node.shards[0] ? `${node.shards[0]}–${node.shards[1] - 1}` : '–', node.step,
    node.step_seconds ? `${(node.step_seconds * 1000).toFixed(1)} ms` : '–', `${node.seconds_since_seen.toFixed(1)} s`,
    `${bytes(node.bytes_in)} / ${bytes(node.bytes_out)}`,
    node.waits.length && node.seconds_waiting >= 0.5
      ? [...new Set(node.waits.map((wait) => `${names[wait.node] ?? wait.node}’s ${wait.for}`))].join(', ') + `, for ${duration(node.seconds_waiting)}`
      : '',
  ]);
  return [
    h('h2', {}, 'Nodes'),
    ...(run.silentSince && ['running', 'starting'].includes(run.state) ? [h('p', { class: 'note' }, `The coordinator does not answer since ${clock(run.silentSince)}; this is what it said last.`)] : []),
    ...(job.explanation ? [h('p', { class: 'note' }, job.explanation)] : []),
    h('p', { class: 'faint' }, `view ${job.view}, ${job.view_changes} changes of view, ${job.coordinator_restarts} restarts of the coordinator, `
      + `${job.refused_messages} messages refused, V ${job.shards}, job ${job.job}`),
    table(['node', 'state', 'stage', 'lanes', 'shards', 'step', 'step time', 'seen', 'in / out', 'waits for'], rows),
    ...job.predictions.flatMap(predictionPart),
    ...(run.marks.length ? [h('h2', {}, 'What has happened'), table(['time', 'step', ''],
      run.marks.slice(-50).reverse().map((mark) => [mark.time ? clock(mark.time) : '–', mark.step, mark.text]))] : []),
  ];
}

/** A prediction that the nodes compute for: how far it is, and which samples are leased to whom. */
function predictionPart(prediction) {
  const range = (pair) => `${number(pair[0])}–${number(pair[1] - 1)}`;
  const rows = prediction.out.map((lease) => [lease.node, range(lease.samples), range(lease.rows), `${lease.seconds.toFixed(1)} s`]);
  return [
    h('h2', {}, 'Prediction'),
    h('progress', { max: prediction.leases || 1, value: prediction.leases_done, 'aria-label': 'How many leases are done' }),
    h('p', { class: 'faint' }, `${number(prediction.samples)} samples of ${number(prediction.rows)} rows`
      + (prediction.piece.length ? `, now rows ${range(prediction.piece)}` : '')
      + `: ${prediction.leases_done} of ${prediction.leases} leases done`),
    table(['node', 'samples', 'rows', 'leased since'], rows),
  ];
}

/** What came of the training: the card of the model. */
function resultSection(run) {
  const summary = run.summary;
  if (!summary) return [];
  const groups = new Map();
  for (const [metric, value] of Object.entries(summary.metrics)) {
    const [part, name] = split(metric);
    if (!groups.has(name)) groups.set(name, {});
    groups.get(name)[part] = value;
  }
  const there = ['train', 'validation', 'test', ''].filter((part) => [...groups.values()].some((values) => part in values));
  const counts = summary.examples || {};
  const about = [
    ['examples', Object.entries({ read: counts.read, 'to train': counts.train, 'to validate': counts.validation, 'to test': counts.test })
      .filter(([, count]) => count).map(([what, count]) => `${number(count)} ${what}`).join(', ')],
    ['metrics of the end', counts.scored ? `of ${number(counts.scored)} examples of the ${counts.scored_part} part` : 'of the training'],
    ['selected', summary.selection ? `step ${summary.selection.step}, by ${summary.selection.metric}` : ''],
    ['measure again', `elbo evaluate ${run.folder}`],
  ].filter(([, text]) => text);
  const isOfOneClass = (name) => /^[^/]+\/[^/]+\//.test(name);
  const metrics = (ofOneClass) => table(['metric', ...there.map((part) => part || 'all')],
    [...groups].filter(([name]) => isOfOneClass(name) === ofOneClass).sort((a, b) => a[0].localeCompare(b[0]))
      .map(([name, values]) => [name, ...there.map((part) => values[part] ?? null)]));
  return [
    h('h2', {}, 'Results'),
    table(['', ''], about.map(([name, text]) => [h('span', { class: 'faint' }, name), text])),
    metrics(false),
    ...([...groups.keys()].some(isOfOneClass) ? [h('details', {}, h('summary', {}, 'Metrics of single classes'), metrics(true))] : []),
  ];
}

/** The recipe, first what is not as in the built-in one. */
function recipeSection(run) {
  const isOther = (row) => row.standard !== null && row.standard !== row.value;
  const rows = (all) => run.recipe.filter((row) => all || isOther(row)).map((row) =>
    [h('code', {}, row.key), h('code', {}, row.value), h('code', { class: 'faint' }, row.standard ?? ''), h('span', { class: 'faint' }, row.meaning ?? '')]);
  const head = ['key', 'value', 'built-in recipe', 'meaning'];
  const place = h('div', {}, table(head, rows(false)));
  const all = h('button', {
    type: 'button', 'aria-pressed': 'false', id: 'all-keys',
    click: () => {
      const isAll = all.getAttribute('aria-pressed') !== 'true';
      all.setAttribute('aria-pressed', String(isAll));
      place.replaceChildren(table(head, rows(isAll)));
    },
  }, `All ${run.recipe.length} keys`);
  return [h('h2', {}, 'Recipe'), h('div', { class: 'bar' }, h('span', {}, `${rows(false).length} keys differ from the built-in recipe`), all), place];
}

/** On what it was computed, and how again. */
function environmentSection(run) {
  const rows = Object.entries(run.environment || {}).map(([key, value]) =>
    [h('span', { class: 'faint' }, key), h('code', {}, Array.isArray(value) ? value.join(' ') : String(value))]);
  const missing = embedded && embedded.missing ? [`${embedded.missing} pictures are not in this file`] : [];
  return [
    h('h2', {}, 'Environment'), table(['', ''], [[h('span', { class: 'faint' }, 'folder'), h('code', {}, run.folder)], ...rows]),
    ...[...run.notes, ...missing].map((note) => h('p', { class: 'note' }, note)),
  ];
}
