// Applies the repository's lint rules, without its import restrictions between directories.
import root from '../../eslint.config.js';

export default [
  ...root.filter(({ ignores }) => ignores?.includes('examples/') !== true),
  { ignores: ['eslint.config.js'] },
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-restricted-imports': 'off',
      // The example trusts its own subgraphs.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      // node:test awaits its suites and tests by itself.
      '@typescript-eslint/no-floating-promises': 'off',
    },
  },
];
