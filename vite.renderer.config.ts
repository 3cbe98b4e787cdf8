import { resolve } from 'node:path'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

const root = resolve(import.meta.dirname, 'src-renderer')

const window = { index: resolve(root, 'index.html') }
const withFixtures: Record<string, string> = { ...window, fixtures: resolve(root, 'testing/index.html') }

/**
 * The window alone. `vite build -c vite.renderer.config.ts`: what is shipped, to out/renderer.
 * With `--mode fixtures`: the same window on fixture data, to the folder given by --outDir; `vite -c …` serves both.
 */
export default defineConfig(({ mode }) => ({
  root,
  // Only relative URLs: the page is served under app:// and under a folder of the loopback API.
  base: './',
  plugins: [react()],
  define: { 'process.env.NODE_ENV': JSON.stringify(mode === 'development' ? 'development' : 'production') },
  build: {
    outDir: resolve(import.meta.dirname, process.env['LARDER_OUT'] ?? 'out', 'renderer'),
    emptyOutDir: true,
    target: 'chrome150',
    // A data: URL would need its own rule in the Content-Security-Policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 2000,
    rolldownOptions: { input: mode === 'fixtures' ? withFixtures : window }
  },
  server: { host: '127.0.0.1' }
}))
