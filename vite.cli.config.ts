import { join } from 'node:path'
import { defineConfig } from 'vite'

/**
 * Command line, client library and hash worker as plain ES modules in one flat folder, with their libraries inside: a
 * command loads a few files instead of hundreds. A worker is found beside the file that starts it.
 */
export default defineConfig({
  publicDir: false,
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
        client: 'src-main/client/index.ts',
        'hash-worker': 'src-main/pieces/hash-worker.ts'
      },
      output: {
        format: 'es',
        entryFileNames: '[name].js',
        chunkFileNames: '[name]-[hash].js'
      }
    }
  }
})
