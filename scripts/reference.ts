// npm run reference: writes docs/reference and packaging/policy from the code.
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { policyTemplates } from './policy/templates.ts'
import { referencePages } from './reference-pages.ts'
import { root } from './steps.ts'

const dir = path.join(root, 'docs', 'reference')
mkdirSync(dir, { recursive: true })
for (const [name, text] of referencePages()) writeFileSync(path.join(dir, name), text)
for (const [name, text] of policyTemplates()) {
  const file = path.join(root, 'packaging', 'policy', name)
  mkdirSync(path.dirname(file), { recursive: true })
  writeFileSync(file, text)
}
process.stdout.write(`docs/reference is up to date: ${[...referencePages().keys()].join(', ')}\n`)
