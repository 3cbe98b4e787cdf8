import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { defineConfig, type Plugin } from 'vite'

const outDir = join(process.env['LARDER_OUT'] ?? 'out', 'client')
const since22 = join(import.meta.dirname, 'src-main/client/since-node-22.ts')

/**
 * `larder/client` for programs that import it: ES modules in `esm/`, CommonJS in `cjs/`, each with the libraries inside and its types beside it.
 * Unlike the command it runs on any Node from 20.9 on; `scripts/client-package.integration.test.ts` holds it to that.
 */
export default defineConfig({
  publicDir: false,
  plugins: [declarations()],
  ssr: { noExternal: true, target: 'node' },
  build: {
    ssr: true,
    target: 'node20.9',
    outDir,
    emptyOutDir: true,
    minify: false,
    sourcemap: false,
    reportCompressedSize: false,
    rolldownOptions: {
      input: { client: 'src-main/client/index.ts' },
      transform: {
        inject: { 'Promise.withResolvers': [since22, 'withResolvers'], 'Map.groupBy': [since22, 'groupBy'] }
      },
      output: (['esm', 'cjs'] as const).map((format) => ({
        format,
        entryFileNames: `${format}/[name].js`,
        chunkFileNames: `${format}/[name]-[hash].js`,
        minify: { compress: false, mangle: false, codegen: { removeWhitespace: true } }
      }))
    }
  }
})

/** A module's format is told by the `package.json` nearest to it, and so is that of its types: each format gets both. */
function declarations(): Plugin {
  return {
    name: 'larder-client-types',
    closeBundle() {
      const tsc = join(import.meta.dirname, 'node_modules/typescript/lib/tsc.js')
      execFileSync(process.execPath, [tsc, '-p', 'tsconfig.client.json', '--outDir', join(outDir, 'esm/types')], {
        cwd: import.meta.dirname,
        stdio: ['ignore', 'inherit', 'inherit']
      })
      leaveNamedTypes(join(outDir, 'esm/types'), 'client/index.d.ts')
      cpSync(join(outDir, 'esm/types'), join(outDir, 'cjs/types'), { recursive: true })
      for (const [folder, type] of [
        ['esm', 'module'],
        ['cjs', 'commonjs']
      ] as const) {
        mkdirSync(join(outDir, folder), { recursive: true })
        writeFileSync(join(outDir, folder, 'package.json'), `${JSON.stringify({ type })}\n`)
      }
    }
  }
}

/** The compiler describes each file the library is made of; a program that imports it needs those that the entry names. */
function leaveNamedTypes(folder: string, entry: string): void {
  const named = new Set([join(folder, entry)])
  for (const file of named)
    for (const [, target] of readFileSync(file, 'utf8').matchAll(/(?:from |import\()['"](\.{1,2}\/[^'"]+)\.ts['"]/g))
      named.add(join(dirname(file), `${target}.d.ts`))
  for (const item of readdirSync(folder, { recursive: true, withFileTypes: true }))
    if (item.isFile() && !named.has(join(item.parentPath, item.name))) rmSync(join(item.parentPath, item.name))
}
