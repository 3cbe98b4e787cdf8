import { join } from 'node:path'
import { defineConfig } from 'electron-vite'
import type { UserConfig } from 'vite'
import rendererConfig from './vite.renderer.config.ts'

const out = process.env['LARDER_OUT'] ?? 'out'
const node = { ssr: { noExternal: true as const }, publicDir: false as const }

/** The tray application, bundled whole: the package carries `out/` and no `node_modules`. */
export default defineConfig((env) => ({
  main: {
    ...node,
    build: {
      outDir: join(out, 'main'),
      externalizeDeps: false,
      reportCompressedSize: false,
      rolldownOptions: {
        input: { main: 'src-main/main.ts', 'hash-worker': 'src-main/pieces/hash-worker.ts' },
        // One flat folder: the worker is looked for beside the file that starts it.
        output: { format: 'es', entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js' }
      }
    }
  },
  preload: {
    build: {
      outDir: join(out, 'preload'),
      externalizeDeps: false,
      reportCompressedSize: false,
      rolldownOptions: {
        input: { preload: 'src-main/preload/preload.ts' },
        // A sandboxed preload is one CommonJS file that needs nothing else.
        output: { format: 'cjs', entryFileNames: '[name].cjs', codeSplitting: false }
      }
    }
  },
  renderer: withMinify(rendererConfig({ command: env.command, mode: env.mode }))
}))

/** electron-vite leaves pages as they are; this one is read at each start. */
function withMinify(config: UserConfig): UserConfig {
  return { ...config, build: { ...config.build, minify: true, reportCompressedSize: false } }
}
