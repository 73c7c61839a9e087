// Draws the top of a dashboard as Grafana would lay it out, from its JSON and the answers of
// Prometheus: stat, table, state-timeline and timeseries, with the transformations, mappings,
// thresholds and units that the dashboards of this project use. Anything else is an error.
//
// `run` makes the page: it sets `asked` to {dashboard, prometheus, variables, seconds, rows}.
"use strict";

const ROW = 38;
const WIDTH = 1280;
const end = Math.floor(Date.now() / 1000);
const step = Math.max(1, Math.ceil(asked.seconds / 300));

// ---- asking ------------------------------------------------------------------

function filled(query) {
  const known = { __range: `${asked.seconds}s`, __rate_interval: "30s", ...asked.variables };
  return query.replace(/\$(\w+)/g, (_, name) => known[name] ?? ".+");
}

async function ask(target) {
  const query = filled(target.expr);
  const times = target.range
    ? { start: end - asked.seconds, end, step }
    : { time: end };
  const url = `${asked.prometheus}/api/v1/query${target.range ? "_range" : ""}`;
  const answer = await fetch(url, { method: "POST", body: new URLSearchParams({ query, ...times }) });
  const { status, error, data } = await answer.json();
  if (status !== "success") throw new Error(`${error}: ${query}`);
  return data.result.map((series) => ({
    labels: series.metric,
    points: (series.values ?? [series.value]).map(([at, value]) => [at, Number(value)]),
  }));
}

// ---- fields ------------------------------------------------------------------

/// What the panel says of a field of this name: defaults, then what overrides them.
function settings(panel, name) {
  const { defaults = {}, overrides = [] } = panel.fieldConfig;
  const all = { ...defaults };
  for (const [id, value] of Object.entries(defaults.custom ?? {})) all[`custom.${id}`] = value;
  for (const { matcher, properties } of overrides) {
    if (matcher.id !== "byName") throw new Error(`no such matcher: ${matcher.id}`);
    if (matcher.options !== name) continue;
    for (const { id, value } of properties) all[id] = value;
  }
  return all;
}

/// The text and the colour that mappings, thresholds and unit give a value.
function shown(field, value) {
  if (value === null || value === undefined) return { text: field.noValue ?? "" };
  const steps = field.thresholds?.steps ?? [];
  const reached = steps.filter((it) => it.value === null || value >= it.value).at(-1);
  for (const { type, options } of field.mappings ?? []) {
    if (type !== "value") throw new Error(`no such mapping: ${type}`);
    const mapped = options[value];
    if (mapped) return { text: mapped.text ?? String(value), color: mapped.color ?? reached?.color };
  }
  const text = typeof value === "number" ? measured(value, field.unit, field.decimals) : value;
  return { text, color: typeof value === "number" ? reached?.color : undefined };
}

function measured(value, unit = "none", decimals = undefined) {
  const digits = (number) => number.toFixed(decimals ?? (Math.abs(number) < 10 && number % 1 ? 2 : 0));
  switch (unit) {
    case "none": case "string": return digits(value);
    case "percent": return `${digits(value)}%`;
    case "reqps": return `${digits(value)} req/s`;
    case "s": return Math.abs(value) < 1 ? `${(value * 1000).toPrecision(3)} ms` : `${value.toPrecision(3)} s`;
    case "dtdurations": return lasting(value);
    default: throw new Error(`no such unit: ${unit}`);
  }
}

function lasting(seconds) {
  const units = [["year", 31536000], ["week", 604800], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const sizes = units.find(([, size]) => Math.abs(seconds) >= size) ?? units.at(-1);
  const count = Math.trunc(seconds / sizes[1]);
  return `${count} ${sizes[0]}${Math.abs(count) === 1 ? "" : "s"}`;
}

function paint(color) {
  return color === undefined || color === "text" ? null : color;
}

/// Black or white, whichever is read more easily on the colour.
function ink(color) {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16) / 255);
  return 0.299 * red + 0.587 * green + 0.114 * blue > 0.6 ? "#1d1f23" : "#fff";
}

// ---- rows of a table -----------------------------------------------------------

/// The answers as one table: merged by their labels, or a matrix of two of these.
function tabled(panel, answers) {
  const matrix = panel.transformations.find((it) => it.id === "groupingToMatrix");
  const many = answers.length > 1;
  let rows = new Map();
  answers.forEach((series, index) => {
    const column = many ? `Value #${panel.targets[index].refId}` : "Value";
    for (const { labels, points } of series) {
      const { __name__: _, ...kept } = labels;
      const key = JSON.stringify(Object.entries(kept).sort());
      rows.set(key, { ...kept, ...rows.get(key), [column]: points[0][1] });
    }
  });
  rows = joined([...rows.values()]);
  if (matrix) {
    const { rowField, columnField, valueField } = matrix.options;
    const of = new Map();
    for (const row of rows) {
      const name = row[rowField];
      of.set(name, { ...of.get(name), [`${rowField}\\${columnField}`]: name, [row[columnField]]: row[valueField] });
    }
    rows = [...of.values()];
  }
  for (const { id } of panel.transformations) {
    if (!["merge", "organize", "groupingToMatrix"].includes(id)) throw new Error(`no such transformation: ${id}`);
  }
  const { indexByName, renameByName = {}, excludeByName = {} } =
    panel.transformations.find((it) => it.id === "organize").options;
  const columns = Object.keys(indexByName)
    .filter((it) => !excludeByName[it] && rows.some((row) => row[it] !== undefined))
    .sort((one, other) => indexByName[one] - indexByName[other])
    .map((it) => ({ key: it, name: renameByName[it] || it }));
  const [sort] = panel.options.sortBy ?? [];
  const by = columns.find((it) => it.name === sort?.displayName)?.key;
  const order = (row) => row[by] ?? (sort.desc ? -Infinity : Infinity);
  const compared = (one, other) => (order(one) > order(other) ? 1 : order(one) < order(other) ? -1 : 0);
  if (by) rows.sort((one, other) => (sort.desc ? -1 : 1) * compared(one, other));
  return { columns, rows };
}

/// Rows whose labels agree as far as both have them are one.
function joined(rows) {
  const labels = (row) => Object.keys(row).filter((it) => !it.startsWith("Value"));
  const wide = [];
  for (const row of [...rows].sort((one, other) => labels(other).length - labels(one).length)) {
    const homes = wide.filter((it) => labels(row).length < labels(it).length && labels(row).every((name) => it[name] === row[name]));
    for (const home of homes) for (const [name, value] of Object.entries(row)) home[name] ??= value;
    if (homes.length === 0) wide.push({ ...row });
  }
  return wide;
}

// ---- panels ------------------------------------------------------------------

function element(kind, { style, ...attributes } = {}, ...children) {
  const svg = ["svg", "path", "line", "text", "rect"].includes(kind);
  const made = svg ? document.createElementNS("http://www.w3.org/2000/svg", kind) : document.createElement(kind);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  Object.assign(made.style, style);
  made.append(...children);
  return made;
}

function stat(panel, [series = []]) {
  const field = settings(panel, "Value");
  const { text, color } = shown(field, series[0]?.points.at(-1)[1] ?? null);
  const full = panel.options.colorMode.startsWith("background") && paint(color) && color !== "transparent";
  return element("div", { class: "stat", style: full ? { background: color, color: ink(color) } : {} }, text || "–");
}

function table(panel, answers) {
  const { columns, rows } = tabled(panel, answers);
  const fields = columns.map((it) => settings(panel, it.name));
  const head = columns.map((it, at) => {
    const width = fields[at]["custom.width"];
    const numbers = rows.some((row) => typeof row[it.key] === "number");
    const { "custom.align": chosen = "auto" } = fields[at];
    const align = chosen === "auto" ? (numbers ? "right" : "left") : chosen;
    return element("th", { style: { textAlign: align, width: width ? `${width}px` : "auto" } }, fields[at].displayName ?? it.name);
  });
  const body = rows.map((row) => element("tr", {}, ...columns.map((it, at) => {
    const { text, color } = shown(fields[at], row[it.key]);
    const kind = fields[at]["custom.cellOptions"]?.type;
    const style = { textAlign: head[at].style.textAlign };
    if (kind === "color-background" && color?.startsWith("#")) Object.assign(style, { background: color, color: ink(color) });
    if (kind === "color-text" && paint(color)) style.color = color;
    const part = (row[it.key] - (fields[at].min ?? 0)) / ((fields[at].max ?? 100) - (fields[at].min ?? 0));
    const bar = kind === "gauge" ? [element("i", { style: { width: `${55 * part}%` } })] : [];
    return element("td", { class: fields[at].links ? "link" : "", style }, ...bar, text);
  })));
  return element("table", {}, element("tr", {}, ...head), ...body);
}

function labelled(target, labels) {
  return target.legendFormat.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, name) => labels[name] ?? "").trim();
}

function clock(at) {
  return new Date(at * 1000).toISOString().slice(11, 19);
}

function timeline(panel, [series], width, height) {
  const field = settings(panel, "Value");
  const rows = series.map((it) => [labelled(panel.targets[0], it.labels), it.points]);
  const left = Math.min(190, 12 + 6.6 * Math.max(...rows.map(([name]) => name.length)));
  const line = (height - 22) / rows.length;
  const across = (at) => left + ((at - end + asked.seconds) / asked.seconds) * (width - left);
  const svg = element("svg", { width, height });
  rows.forEach(([name, points], row) => {
    svg.append(element("text", { x: left - 8, y: row * line + line / 2 + 4, "text-anchor": "end" }, name));
    let from = 0;
    for (let to = 1; to <= points.length; to += 1) {
      const same = to < points.length && points[to][1] === points[from][1] && points[to][0] - points[to - 1][0] <= 2 * step;
      if (same) continue;
      const { text, color } = shown(field, points[from][1]);
      const [x, wide] = [across(points[from][0]), across(points[to - 1][0] + step) - across(points[from][0])];
      svg.append(element("rect", { x, y: row * line + line * 0.07, width: wide, height: line * 0.86, fill: color }));
      if (wide > 8 * text.length) svg.append(element("text", { x: x + 6, y: row * line + line / 2 + 4, style: { fill: ink(color) } }, text));
      from = to;
    }
  });
  for (const part of [0, 0.25, 0.5, 0.75]) {
    const at = end - asked.seconds * (1 - part);
    svg.append(element("text", { x: across(at), y: height - 4, class: "dim" }, clock(at)));
  }
  return svg;
}

function timeseries(panel, answers, width, height) {
  const lines = answers.flatMap((series, at) => series.map((it) => ({ name: labelled(panel.targets[at], it.labels), points: it.points.filter(([, value]) => Number.isFinite(value)) })));
  const palette = ["#0072B2", "#B87A00", "#00805D", "#A8558A", "#56B4E9", "#C44E00", "#767676"];
  const unit = settings(panel, "").unit;
  const stacked = settings(panel, "")["custom.stacking"]?.mode === "normal";
  const sums = new Map();
  for (const line of lines) {
    line.drawn = line.points.map(([at, value]) => {
      const below = stacked ? sums.get(at) ?? 0 : 0;
      sums.set(at, below + value);
      return [at, below, below + value];
    });
  }
  const top = 1.05 * Math.max(1e-9, ...lines.flatMap((it) => it.drawn.map((point) => point[2])));
  const [left, bottom] = [64, 44];
  const x = (at) => left + ((at - end + asked.seconds) / asked.seconds) * (width - left);
  const y = (value) => (height - bottom) * (1 - value / top) + 4;
  const svg = element("svg", { width, height });
  for (const part of [0, 0.25, 0.5, 0.75]) {
    svg.append(element("line", { x1: left, x2: width, y1: y(part * top), y2: y(part * top) }));
    svg.append(element("text", { x: left - 6, y: y(part * top) + 4, "text-anchor": "end", class: "dim" }, measured(part * top, unit)));
    const at = end - asked.seconds * (1 - part);
    svg.append(element("text", { x: x(at), y: height - bottom + 20, class: "dim" }, clock(at)));
  }
  let legend = 0;
  lines.forEach((line, at) => {
    const color = settings(panel, line.name).color?.fixedColor ?? palette[at % palette.length];
    const up = line.drawn.map(([when, , value]) => `${x(when)},${y(value)}`);
    const down = line.drawn.map(([when, value]) => `${x(when)},${y(value)}`).reverse();
    const path = stacked ? `M${[...up, ...down].join("L")}Z` : `M${up.join("L")}`;
    svg.append(element("path", { d: path, fill: stacked ? color : "none", stroke: color, "fill-opacity": 0.8 }));
    svg.append(element("rect", { x: legend, y: height - 14, width: 12, height: 4, fill: color }));
    svg.append(element("text", { x: legend + 16, y: height - 8 }, line.name));
    legend += 34 + 7 * line.name.length;
  });
  return svg;
}

async function panelOf(panel) {
  const { x, y, w, h } = panel.gridPos;
  const cell = (WIDTH - 16) / 24;
  const style = { left: `${8 + x * cell}px`, top: `${50 + y * ROW}px`, width: `${w * cell - 8}px`, height: `${h * ROW - 8}px` };
  if (panel.type === "row") return element("h2", { style }, panel.title);
  const answers = await Promise.all(panel.targets.map(ask));
  const kinds = { stat, table, "state-timeline": timeline, timeseries };
  const draw = kinds[panel.type];
  if (!draw) throw new Error(`no such panel: ${panel.type}`);
  const empty = panel.type !== "stat" && answers.every((it) => it.length === 0);
  const inner = empty ? element("p", {}, "No data") : draw(panel, answers, w * cell - 26, h * ROW - 52);
  return element("section", { style }, element("h3", {}, panel.title), inner);
}

async function draw() {
  const { title, panels } = asked.dashboard;
  document.body.append(element("h1", {}, title));
  const top = panels.filter((it) => it.gridPos.y + it.gridPos.h <= asked.rows);
  document.body.append(...(await Promise.all(top.map(panelOf))));
}

draw().catch((error) => document.body.replaceChildren(element("pre", { id: "error" }, String(error.stack))));
