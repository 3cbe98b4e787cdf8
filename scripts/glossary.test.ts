import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { root } from './steps.ts'

/** What people read: the guides, the reference with every setting, error, reason and command, and the window. */
const texts = [
  'README.md',
  ...['index', 'getting-started', 'how-it-works', 'client', 'local-api', 'settings', 'ports'].map(
    (name) => `docs/${name}.md`
  ),
  ...['guides', 'reference'].flatMap((folder) =>
    readdirSync(path.join(root, 'docs', folder))
      .filter((name) => name.endsWith('.md'))
      .map((name) => `docs/${folder}/${name}`)
  ),
  ...readdirSync(path.join(root, 'src-renderer'), { recursive: true })
    .map((name) => `src-renderer/${String(name).replaceAll('\\', '/')}`)
    .filter((name) => name.endsWith('.tsx') && !name.endsWith('.test.tsx'))
]

/** Terms that read as translated, or that the product has another word for; and what to write. */
const terms: readonly (readonly [term: RegExp, instead: string])[] = [
  [/\bwhoever\b/i, '"the person who", "anyone who", "the PC that"'],
  [/(?<!\bas )\bso long\b(?! as)/i, 'name the time: "for this time", "within (seconds)"'],
  [/\bso (many|often)\b/i, 'name the number: "this many", "every (hours)"'],
  [/\banew\b/i, '"again"'],
  [/\bthrown? out\b|\bthrows? .{1,30} out\b/i, '"removed from the fleet"'],
  [/\b(could not|can|cannot|to) be had\b/i, '"could not be downloaded", "is available"'],
  [/\bstands? here\b/i, '"appears here"'],
  [/\bis rather\b/i, '"is preferred"'],
  [/\b(enthrone|reign|convict|dismissed)/i, 'elect, epoch history, prove, replace'],
  [/\b(overlord|leecher|seeder|swarm)\b/i, 'master, follower, holder'],
  [/\btracker\b/i, 'coordinator (of one content) or hub (of a site)'],
  [/\bchunks?\b/i, '"piece"'],
  [/\bfall-back\b/i, '"fallback"'],
  [
    /\b(?:sub-net|multi-cast|pre-caching-list|check-sum|work station)s?\b/i,
    'one spelling: subnet, multicast, checksum'
  ],
  [/\d (?:KB|MB|GB|TB)\b/, 'KiB, MiB, GiB'],
  [/\bPC's that\b|\bURL's\b/, 'no apostrophe in a plural']
]

test.each(texts)('%s uses the words of the product', (file) => {
  const found = readFileSync(path.join(root, file), 'utf8')
    .split('\n')
    .flatMap((line, at) =>
      terms
        .filter(([term]) => term.test(line))
        .map(([term, instead]) => `${at + 1}: ${term.exec(line)![0]} → ${instead}: ${line.trim().slice(0, 140)}`)
    )
  expect(found).toEqual([])
})

test('a term that must not occur is found in a sentence', () => {
  const finds = (text: string) => terms.some(([term]) => term.test(text))
  for (const bad of [
    'Whoever has it is a member',
    'silent for so long',
    '20 GB of disk',
    'revoke throws a PC out',
    'a chunk of it'
  ])
    expect(finds(bad), bad).toBe(true)
  for (const good of ['as long as it runs', 'so long as it runs', '20 GiB of disk', 'a piece of it', 'the cache'])
    expect(finds(good), good).toBe(false)
})
