// Hands the task of a write to the page of its VPN, which shows its progress.
import type { TrackedTask } from '../tasks/task-progress';

const tasks = new Map<string, TrackedTask>();

/** Keeps a task for the next page of its VPN. */
export function trackTask(vpnId: string, task: TrackedTask): void {
  tasks.set(vpnId, task);
}

/** Returns the task kept for a VPN, and removes it. */
export function takeTask(vpnId: string): TrackedTask | undefined {
  const task = tasks.get(vpnId);
  tasks.delete(vpnId);
  return task;
}
