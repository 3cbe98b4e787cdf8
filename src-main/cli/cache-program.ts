import { Argument, Option, type Command } from 'commander'
import { duration, orNull, numberOrNone, size, sizeOrNone, whole } from './arguments.ts'
import type { Output } from './output.ts'

/** `larder cache …`. @param command makes a command with the options all commands have */
export function addCacheCommands(
  program: Command,
  command: (parent: Command, usage: string, summary: string) => Command,
  output: Output
): void {
  const cache = program.command('cache').description('Look into the cache, and clear it.')
  const cached = async () => import('./cache-commands.ts')
  command(cache, 'ls', 'List contents.')
    .argument('[search]', 'part of a URL or start of a digest')
    .option('--limit <n>', 'at most this number', whole(1, 1000))
    .option('--offset <n>', 'skip this number at the start', whole(0, 1_000_000))
    .addOption(new Option('--sort <by>', 'order').choices(['lastUsed', 'size', 'created']))
    .action(async (search, options) => (await cached()).listCache({ ...options, search }, output))
  command(cache, 'rm', 'Remove contents.')
    .argument('<sha256...>', 'digest, or its first 6 digits or more')
    .option('--dry-run', 'only say what would be removed')
    .action(async (digests, options) => (await cached()).removeFromCache(digests, options, output))
  command(cache, 'clear', 'Remove everything that is neither in use nor pinned.')
    .option('--pinned-too', 'pinned contents too')
    .option('--dry-run', 'only count')
    .action(async (options) => (await cached()).clearCache(options, output))
  command(cache, 'verify', 'Read every content again and compare digests.').action(async (options) =>
    (await cached()).verifyCache(options, output)
  )
  command(cache, 'pin', 'Protect a content from eviction.')
    .argument('<sha256>', 'digest, or its first 6 digits or more')
    .option('--for <duration>', 'only for this time, e.g. 30d', duration)
    .action(async (digest, options) => (await cached()).pinInCache(digest, { ...options, pinned: true }, output))
  command(cache, 'unpin', 'Let a content be evicted again.')
    .argument('<sha256>', 'digest, or its first 6 digits or more')
    .action(async (digest, options) => (await cached()).pinInCache(digest, { ...options, pinned: false }, output))
  command(cache, 'show', 'Show one content: its URLs, its uses, and which peers got it.')
    .argument('<sha256>', 'digest, or its first 6 digits or more')
    .action(async (digest, options) => (await cached()).showContent(digest, options, output))
  command(cache, 'priority', 'Set how long a content is kept when space runs out.')
    .argument('<sha256>', 'digest, or its first 6 digits or more')
    .addArgument(new Argument('<priority>', 'how late').choices(['low', 'normal', 'high']))
    .action(async (digest, priority, options) => (await cached()).setContentPriority(digest, priority, options, output))
  command(
    cache,
    'limits',
    'Show the limits and how hard they press; change them until the agent next reads its settings.'
  )
    .option('--max-size <size>', 'size limit, e.g. 20GiB; none: a tenth of the disk', sizeOrNone)
    .option('--max-percent <n>', 'size limit as a share of the disk; none: no share', numberOrNone)
    .option('--min-free <size>', 'free space to leave to others', size)
    .option('--max-age <days>', 'delete contents not used for this number of days; none: keep them', numberOrNone)
    .action(async (options) =>
      (await cached()).cacheLimits(
        options,
        {
          maxBytes: orNull(options.maxSize),
          maxDiskPercent: orNull(options.maxPercent),
          minFreeBytes: options.minFree,
          maxAgeDays: orNull(options.maxAge)
        },
        output
      )
    )
  command(
    cache,
    'relocate',
    'Move the cache to another folder at the next start of the agent; without a folder, show how far a move is.'
  )
    .argument('[folder]', 'new folder')
    .action(async (folder, options) => (await cached()).relocateCache(folder, options, output))
}
