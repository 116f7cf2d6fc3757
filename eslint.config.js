import js from '@eslint/js'
import tseslint from 'typescript-eslint'
import importX from 'eslint-plugin-import-x'
import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript'

/** Layers of DESIGN: imports point one way. Each row: files in `target` may not import from `from`. */
const layer = (target, from, message) => ({ target: `./src/${target}`, from, message })
const src = (...names) => names.map(n => `./src/${n}`)
const layers = [
  layer(
    'http',
    src('engine', 'tiles', 'stores', 'server', 'config', 'compose.ts', 'compose'),
    'http/ is pure: it imports no other layer',
  ),
  layer(
    'engine',
    src('tiles', 'stores', 'server', 'config', 'compose.ts', 'compose'),
    'engine/ imports http/ only',
  ),
  layer(
    'tiles',
    src('stores', 'server', 'config', 'compose.ts', 'compose'),
    'tiles/ imports http/ and engine/ only',
  ),
  layer(
    'stores',
    src('http', 'tiles', 'server', 'config', 'compose.ts', 'compose'),
    "stores/ import engine's ports only",
  ),
  layer('server', src('stores', 'config', 'compose.ts', 'compose'), 'server/ gets its parts from compose.ts'),
  layer(
    'config',
    src('stores', 'server', 'compose.ts', 'compose'),
    'config/ gives a value and builds nothing',
  ),
]

export default tseslint.config(
  { ignores: ['dist', 'coverage', 'node_modules', '.strata', 'bench/results', '.stryker-tmp', 'reports'] },
  js.configs.recommended,
  ...tseslint.configs.recommended,
  {
    plugins: { 'import-x': importX },
    settings: { 'import-x/resolver-next': [createTypeScriptImportResolver({ project: 'tsconfig.json' })] },
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        Buffer: 'readonly',
        URL: 'readonly',
        setTimeout: 'readonly',
        setImmediate: 'readonly',
        clearTimeout: 'readonly',
        fetch: 'readonly',
        performance: 'readonly',
      },
    },
    rules: {
      'import-x/no-cycle': ['error', { ignoreExternal: true }],
      'import-x/no-restricted-paths': [
        'error',
        {
          zones: layers.flatMap(({ target, from, message }) => from.map(f => ({ target, from: f, message }))),
        },
      ],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-explicit-any': 'error',
      'no-empty': ['error', { allowEmptyCatch: false }],
      'max-lines': ['warn', { max: 300, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    files: ['src/http/**/*.ts'],
    rules: {
      'no-restricted-globals': ['error', { name: 'process', message: 'http/ is pure' }],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'now is an argument in http/' },
      ],
    },
  },
)
