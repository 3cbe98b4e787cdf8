// npm run reference: writes docs/reference from the code.
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { referencePages } from './reference-pages.ts'
import { root } from './steps.ts'

const dir = path.join(root, 'docs', 'reference')
mkdirSync(dir, { recursive: true })
for (const [name, text] of referencePages()) writeFileSync(path.join(dir, name), text)
process.stdout.write(`docs/reference is up to date: ${[...referencePages().keys()].join(', ')}\n`)
