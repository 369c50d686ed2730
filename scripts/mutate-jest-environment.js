// The Jest environment of the mutation test. One failed test is enough: it skips the rest of the file, and fast-check shrinks no failure.
import { TestEnvironment } from 'jest-environment-node';

export default class MutateJestEnvironment extends TestEnvironment {
  #hasFailed = false;

  async setup() {
    await super.setup();
    this.global[Symbol.for('fast-check/GlobalParameters')] = { endOnFailure: true };
  }

  handleTestEvent({ name, test }) {
    if (name === 'test_done') this.#hasFailed ||= test.errors.length > 0;
    if (name === 'test_start' && this.#hasFailed) test.mode = 'skip';
  }
}
