// The type-aware rules that biome cannot check. Formatting and the rest are biome's.
import tseslint from 'typescript-eslint'

const impure = [
  { name: 'Date', message: 'time comes in as a value' },
  { name: 'process', message: 'a decision knows no process' },
  { name: 'setTimeout', message: 'a decision has no timers' },
  { name: 'setInterval', message: 'a decision has no timers' },
  { name: 'fetch', message: 'a decision does no I/O' },
  { name: 'console', message: 'a decision does not log' },
]

export default tseslint.config(
  { ignores: ['**/node_modules/**', '**/dist/**', '**/gen/**', '**/*.js'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafeCalls: [
            {
              from: 'package',
              package: 'node:test',
              name: ['test', 'it', 'describe', 'suite', 'before', 'after', 'beforeEach', 'afterEach'],
            },
          ],
        },
      ],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    },
  },
  {
    files: ['packages/domain/src/**/*.ts'],
    ignores: ['**/*.test.ts'],
    rules: {
      'no-restricted-globals': ['error', ...impure],
      'no-restricted-properties': ['error', { object: 'Math', property: 'random', message: 'chance comes in as a value' }],
      'no-restricted-syntax': ['error', { selector: ':function[async=true]', message: 'decisions are synchronous' }],
    },
  },
  {
    files: ['packages/*/src/**/*.ts', '{operator,recorder,webhooks,worker,server,cli,cdk8s}/src/**/*.ts'],
    ignores: ['**/*.test.ts', '**/config.ts', 'packages/testkit/**'],
    rules: {
      'no-restricted-properties': ['error', { object: 'process', property: 'env', message: 'read the environment in config.ts' }],
    },
  },
)
