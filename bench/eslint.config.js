// Applies the repository's lint rules, without its import restrictions between directories.
import root from '../eslint.config.js';

export default [
  ...root.filter(({ ignores }) => ignores?.includes('bench/') !== true),
  { ignores: ['dist/', 'eslint.config.js'] },
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: { '@typescript-eslint/no-restricted-imports': 'off' },
  },
  {
    // Contenders trust the REST API's responses: such servers commonly do, and validation would take CPU time.
    files: ['contenders/**'],
    rules: {
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
    },
  },
];
