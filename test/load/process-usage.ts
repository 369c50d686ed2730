// CPU time, memory and open files of another process, as Linux counts them in /proc. Unlike its metrics, they can be read while it is busy.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

// Linux counts CPU time in units of 10 ms (USER_HZ).
const tickMs = 10;

/** Returns the CPU time that a process has used so far, in milliseconds. Throws if there is no /proc. */
export function readCpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The second field is the name in parentheses, which may contain spaces. The 14th and 15th are the time in user and in kernel mode.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * tickMs;
}

/** Makes `readPeakMiB` measure from now on. Returns the resident memory of the process, in MiB. */
export function resetPeak(pid: number): number {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
  return readStatusMiB(pid, 'VmRSS');
}

/** Returns the peak of the resident memory of a process since `resetPeak`, in MiB. */
export function readPeakMiB(pid: number): number {
  return readStatusMiB(pid, 'VmHWM');
}

/** Returns the number of open files of a process, connections included. */
export function countOpenFiles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

function readStatusMiB(pid: number, name: string): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) / 1024;
}
