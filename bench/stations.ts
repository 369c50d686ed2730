// A station is a contender that runs: its process, its address, and the bytes of the answer it was found to give. Here it is held to
// giving the gateway's answer before anything is timed.
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { request } from 'undici';
import { z } from 'zod';
import { type Contender, type Directories, gateway } from './contenders.js';
import { Process } from './processes.js';
import type { Question } from './questions.js';

/** Where things are, and where logs go. */
export interface Places extends Directories {
  readonly logs: string;
}

/** A contender that runs. */
export interface Station {
  readonly contender: Contender;
  readonly process: Process;
  readonly url: string;
}

/** A station that was seen to answer a question. */
export interface Verified extends Station {
  /** The request's body. */
  readonly body: string;
  /** The answer's body. */
  readonly expectedBody: string;
}

const answerSchema = z.strictObject({ data: z.unknown() });

/** Starts a contender in front of a REST API; gives it once it listens. */
export async function startStation(contender: Contender, upstream: string, places: Places): Promise<Station> {
  const process_ = new Process({
    name: contender.id,
    file: process.execPath,
    args: ['--import', join(places.compiled, 'reporter.js'), contender.script(places)],
    env: contender.env(upstream),
    logFile: join(places.logs, `${contender.id}.log`),
    cwd: places.root,
  });
  return { contender, process: process_, url: toGraphqlUrl(await process_.whenListening(contender.ready)) };
}

/** Asks every station, the gateway's among them. Throws where one does not answer as the gateway does. */
export async function verify(stations: readonly Station[], question: Question): Promise<readonly Verified[]> {
  const answers = await Promise.all(stations.map((station) => ask(station, question)));
  const right = answers.find(({ verified }) => verified.contender === gateway)?.common;
  for (const { verified, common } of answers) {
    if (right === undefined || !isDeepStrictEqual(common, right)) {
      throw new Error(
        `${verified.contender.title} does not answer as the gateway does: ${verified.expectedBody.slice(0, 500)}`,
      );
    }
  }
  return answers.map(({ verified }) => verified);
}

async function ask(station: Station, question: Question) {
  const { dialect, title } = station.contender;
  const body = JSON.stringify(question.operations[dialect]);
  const response = await request(station.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'mc-api-key': 'bench-key-verify' },
    body,
  });
  const expectedBody = await response.body.text();
  try {
    const { data } = answerSchema.parse(JSON.parse(expectedBody));
    return { verified: { ...station, body, expectedBody }, common: question.toCommon[dialect](data) };
  } catch (error) {
    throw new Error(`${title} answers something else: ${expectedBody.slice(0, 500)}`, { cause: error });
  }
}

function toGraphqlUrl(url: string): string {
  return new URL('/graphql', url).href;
}
