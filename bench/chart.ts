// Draws the chart of a run: requests per second of the first workload, one bar per contender. The chart has its own background, so that
// it stays readable if the page's theme differs from the reader's system theme.
import { baseline, gateway } from './contenders.js';
import { describeMachine } from './machine.js';
import type { Throughput } from './measure.js';
import type { Run } from './report.js';
import { firstWorkload } from './workloads.js';

const width = 860;
const margin = 28;
const barsLeft = 276;
const barsWidth = 400;
const barHeight = 26;
const rowHeight = 54;
const rowsTop = 104;

/** Returns the chart of the first workload as SVG. Throws if the run did not measure it. */
export function toChart({ contenders, results, options }: Run): string {
  const firstResult = results.find(({ workload }) => workload.id === firstWorkload.id);
  if (firstResult?.kind !== 'throughput') throw new TypeError('The run did not measure the first workload.');
  const rows = contenders.flatMap(({ id, title }) => {
    const throughput = firstResult.result.get(id);
    return throughput === undefined ? [] : [{ id, title, throughput }];
  });
  const maxPerSecond = Math.max(...rows.map(({ throughput }) => throughput.requestsPerSecond));
  const baselinePerSecond = rows.find(({ id }) => id === baseline.id)?.throughput.requestsPerSecond ?? NaN;
  const height = rowsTop + rows.length * rowHeight + 44;
  const date = new Date().toISOString().slice(0, 10);
  const { rounds, seconds } = options;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title description">
<title id="title">Requests per second, higher is better</title>
<desc id="description">${escape(rows.map(({ title, throughput }) => `${title}: ${formatCount(throughput.requestsPerSecond)}`).join('; '))}</desc>
<style>
  text { font-family: system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif; fill: #1f2328; font-size: 15px; }
  .title { font-size: 20px; font-weight: 600; }
  .small { font-size: 12.5px; fill: #59636e; }
  .value { font-weight: 600; }
  .background { fill: #ffffff; stroke: #d1d9e0; }
  .axis { stroke: #d1d9e0; }
  .bar { fill: #afb8c1; }
  .gateway { fill: #0969da; }
  .baseline { fill: #818b98; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; }
    .small { fill: #9198a1; }
    .background { fill: #0d1117; stroke: #3d444d; }
    .axis { stroke: #3d444d; }
    .bar { fill: #545d68; }
    .gateway { fill: #4493f8; }
    .baseline { fill: #768390; }
  }
</style>
<rect class="background" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8"/>
<text class="title" x="${margin}" y="42">Requests per second (higher is better)</text>
<text class="small" x="${margin}" y="66">${escape(`${firstWorkload.title}; ${firstWorkload.connections} connections`)}</text>
<line class="axis" x1="${barsLeft}" y1="${rowsTop - 12}" x2="${barsLeft}" y2="${rowsTop + rows.length * rowHeight - 12}"/>
${rows.map(({ id, title, throughput }, index) => toRow(id, title, throughput, index, maxPerSecond, baselinePerSecond)).join('\n')}
<text class="small" x="${margin}" y="${height - 22}">${escape(`${describeMachine()}; medians of ${rounds} interleaved rounds of ${seconds} s; ${date}`)}</text>
</svg>
`;
}

function toRow(
  id: string,
  title: string,
  { requestsPerSecond, restCalls, cpuMs }: Throughput,
  index: number,
  maxPerSecond: number,
  baselinePerSecond: number,
): string {
  const top = rowsTop + index * rowHeight;
  const length = Math.max(2, (requestsPerSecond / maxPerSecond) * barsWidth);
  const className = id === gateway.id ? 'gateway' : id === baseline.id ? 'baseline' : '';
  const costs = `${restCalls.toFixed(0)} REST calls, ${cpuMs.toFixed(2)} ms CPU/request`;
  const valueLeft = barsLeft + length + 10;
  const ratio = (requestsPerSecond / baselinePerSecond).toFixed(2);
  const comparison = id === baseline.id ? '' : ` <tspan class="small">${ratio} × baseline</tspan>`;
  return `<text x="${margin}" y="${top + 11}"${className === 'gateway' ? ' class="value"' : ''}>${escape(title)}</text>
<text class="small" x="${margin}" y="${top + 28}">${costs}</text>
<rect class="bar ${className}" x="${barsLeft}" y="${top}" width="${length.toFixed(1)}" height="${barHeight}" rx="3"/>
<text class="value" x="${valueLeft.toFixed(1)}" y="${top + 18}">${formatCount(requestsPerSecond)}${comparison}</text>`;
}

function formatCount(count: number): string {
  return Math.round(count).toLocaleString('en');
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
