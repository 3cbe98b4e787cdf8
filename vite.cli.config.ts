import { join } from 'node:path'
import { defineConfig } from 'vite'
import { asciiOnly } from './scripts/ascii-only.ts'
import { builtinsByNeed } from './scripts/builtins-by-need.ts'
import { pinnedReleaseKeys } from './scripts/release/release-keys.ts'

/**
 * Command line and hash worker as plain ES modules in one flat folder, with their libraries inside: a
 * command loads a few files instead of hundreds. A worker is found beside the file that starts it.
 *
 * An agent holds the text of its code in memory: without comments and spaces, and with one byte for a character instead of two, that
 * is a quarter. Names stay, for the reports of errors.
 */
export default defineConfig({
  publicDir: false,
  plugins: [builtinsByNeed, asciiOnly],
  define: { __LARDER_RELEASE_KEYS__: JSON.stringify(pinnedReleaseKeys()) },
  ssr: { noExternal: true, target: 'node' },
  build: {
    ssr: true,
    target: 'node24',
    outDir: join(process.env['LARDER_OUT'] ?? 'out', 'cli'),
    emptyOutDir: true,
    minify: false,
    sourcemap: false,
    reportCompressedSize: false,
    rollupOptions: {
      input: {
        larder: 'src-main/cli/larder.ts',
        'hash-worker': 'src-main/pieces/hash-worker.ts'
      },
      output: {
        format: 'es',
        entryFileNames: '[name].js',
        chunkFileNames: '[name]-[hash].js',
        minify: { compress: false, mangle: false, codegen: { removeWhitespace: true } }
      }
    }
  }
})
