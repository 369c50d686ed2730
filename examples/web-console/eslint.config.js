// The gateway's lint rules, without those about its own folders.
import root from '../../eslint.config.js';

export default [
  ...root.filter(({ ignores }) => ignores?.includes('examples/') !== true),
  { ignores: ['dist/', 'src/gql/', 'eslint.config.js'] },
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: { '@typescript-eslint/no-restricted-imports': 'off' },
  },
];
