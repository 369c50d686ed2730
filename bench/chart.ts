// The chart of a run: requests per second of the first work, a bar for each contender. It stands on a ground of its own, so that it can
// be read on a light page and on a dark one, whichever the reader's system says it is.
import { floor, gateway } from './contenders.js';
import { describeMachine } from './machine.js';
import type { Throughput } from './measure.js';
import type { Run } from './report.js';
import { firstWork } from './works.js';

const width = 860;
const margin = 28;
const barsLeft = 276;
const barsWidth = 400;
const barHeight = 26;
const rowHeight = 54;
const rowsTop = 104;

/** The chart of the first work, as SVG. Throws where it was not measured. */
export function toChart({ contenders, findings, options }: Run): string {
  const finding = findings.find(({ work }) => work.id === firstWork.id);
  if (finding?.kind !== 'throughput') throw new TypeError('The first work was not measured.');
  const rows = contenders.flatMap(({ id, title }) => {
    const found = finding.found.get(id);
    return found === undefined ? [] : [{ id, title, found }];
  });
  const most = Math.max(...rows.map(({ found }) => found.perSecond));
  const base = rows.find(({ id }) => id === floor.id)?.found.perSecond ?? NaN;
  const height = rowsTop + rows.length * rowHeight + 44;
  const date = new Date().toISOString().slice(0, 10);
  const { rounds, seconds } = options;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title description">
<title id="title">Requests per second, more is better</title>
<desc id="description">${escape(rows.map(({ title, found }) => `${title}: ${toCount(found.perSecond)}`).join('; '))}</desc>
<style>
  text { font-family: system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif; fill: #1f2328; font-size: 15px; }
  .title { font-size: 20px; font-weight: 600; }
  .small { font-size: 12.5px; fill: #59636e; }
  .value { font-weight: 600; }
  .ground { fill: #ffffff; stroke: #d1d9e0; }
  .axis { stroke: #d1d9e0; }
  .bar { fill: #afb8c1; }
  .gateway { fill: #0969da; }
  .floor { fill: #818b98; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; }
    .small { fill: #9198a1; }
    .ground { fill: #0d1117; stroke: #3d444d; }
    .axis { stroke: #3d444d; }
    .bar { fill: #545d68; }
    .gateway { fill: #4493f8; }
    .floor { fill: #768390; }
  }
</style>
<rect class="ground" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8"/>
<text class="title" x="${margin}" y="42">Requests per second (more is better)</text>
<text class="small" x="${margin}" y="66">${escape(`${firstWork.title}; ${firstWork.connections} connections`)}</text>
<line class="axis" x1="${barsLeft}" y1="${rowsTop - 12}" x2="${barsLeft}" y2="${rowsTop + rows.length * rowHeight - 12}"/>
${rows.map(({ id, title, found }, index) => toRow(id, title, found, index, found.perSecond / most, found.perSecond / base)).join('\n')}
<text class="small" x="${margin}" y="${height - 22}">${escape(`${describeMachine()}; medians of ${rounds} interleaved rounds of ${seconds} s; ${date}`)}</text>
</svg>
`;
}

function toRow(id: string, title: string, found: Throughput, index: number, share: number, ratio: number): string {
  const top = rowsTop + index * rowHeight;
  const length = Math.max(2, share * barsWidth);
  const name = id === gateway.id ? 'gateway' : id === floor.id ? 'floor' : '';
  const each = `${found.calls.toFixed(0)} REST calls, ${found.cpuMs.toFixed(2)} ms of CPU each`;
  const after = barsLeft + length + 10;
  const times = id === floor.id ? '' : ` <tspan class="small">${ratio.toFixed(2)} × the floor</tspan>`;
  return `<text x="${margin}" y="${top + 11}"${name === 'gateway' ? ' class="value"' : ''}>${escape(title)}</text>
<text class="small" x="${margin}" y="${top + 28}">${each}</text>
<rect class="bar ${name}" x="${barsLeft}" y="${top}" width="${length.toFixed(1)}" height="${barHeight}" rx="3"/>
<text class="value" x="${after.toFixed(1)}" y="${top + 18}">${toCount(found.perSecond)}${times}</text>`;
}

function toCount(perSecond: number): string {
  return Math.round(perSecond).toLocaleString('en');
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
