import { expect, test } from 'vitest'
import { escaped } from './ascii-only.ts'
import { byNeed } from './builtins-by-need.ts'

test('what is not ASCII means the same when it is escaped, wherever it occurs', () => {
  const code = 'const ü = ["’", `→ ${"😀"}`, /[“-”]/.test("“"), /^[😀😁]$/u.test("😁"), "\\u00e9" === "é"]; ü'
  // oxlint-disable-next-line no-control-regex -- the promise
  expect(escaped(code)).toMatch(/^[\x00-\x7f]*$/)
  // oxlint-disable-next-line no-eval -- the same code, twice
  expect((0, eval)(escaped(`{${code}}`))).toEqual((0, eval)(`{${code}}`))
})

test('modules of Node are taken by need, in every form an import has', () => {
  expect(byNeed('import a from "node:http";')).toBe('const a = process.getBuiltinModule("node:http");')
  expect(byNeed('import{createServer as s,Agent}from"http";')).toBe(
    'const {createServer: s,Agent} = process.getBuiltinModule("http");'
  )
  expect(byNeed("import * as fs from 'node:fs/promises'")).toBe(
    'const fs = process.getBuiltinModule("node:fs/promises");'
  )
  expect(byNeed('import p, { join as j } from "path";')).toBe(
    'const p = process.getBuiltinModule("path");const { join: j } = p;'
  )
  expect(byNeed('import{default as web,ReadableStream}from"node:stream/web";')).toBe(
    'const {default: web,ReadableStream} = process.getBuiltinModule("node:stream/web");'
  )
})

test('other imports stay as they are', () => {
  for (const code of ['import{a}from"./chunk-1.js";', 'import x from "zod";', 'const f = () => import("node:fs");'])
    expect(byNeed(code)).toBe(code)
})
