// The attacks of one client, each within all limits on what a request may look like, and what the gateway must make of them.
import { type Attack } from './bounded-rig.js';
import { connectionAttacks } from './connection-attacks.js';
import { requestAttacks } from './request-attacks.js';

/** All attacks. */
export const attacks: readonly Attack[] = [...requestAttacks, ...connectionAttacks];
