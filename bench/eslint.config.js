// The gateway's rules, as far as they are not about its own folders.
import root from '../eslint.config.js';

export default [
  ...root.filter(({ ignores }) => ignores?.includes('bench/') !== true),
  { ignores: ['dist/', 'eslint.config.js'] },
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: { '@typescript-eslint/no-restricted-imports': 'off' },
  },
  {
    // Contenders believe what the REST API sends: that is how they are written, and to check it would cost time.
    files: ['contenders/**'],
    rules: {
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
    },
  },
];
