import { Argument, Command, Option } from 'commander'
import { LARDER_VERSION } from '../contract/version.ts'
import { duration, kinds, orNull, rate, since, size, whole } from './arguments.ts'
import { addCacheCommands } from './cache-program.ts'
import { thisPc, type CliHost } from './cli-host.ts'
import { addDownloadCommands } from './download-program.ts'
import { addFleetCommands } from './fleet-program.ts'
import type { Output } from './output.ts'
import { addSettingCommands } from './setting-program.ts'

/**
 * All commands. What a command does is loaded when it runs, so that `larder get` does not wait for the agent's code, and
 * `larder version` for neither.
 */
export function buildProgram(output: Output, host: CliHost = thisPc): Command {
  const program = new Command('larder')
    .description('Downloads a file once per site instead of once per PC.')
    .showSuggestionAfterError()
    // What stands behind `rates set` is meant for it, not for `rates`.
    .enablePositionalOptions()
    .addHelpText(
      'after',
      examples([
        'larder agent                                      run the agent of this PC',
        'larder get https://example.com/setup.msi          download through it',
        'larder status'
      ])
    )
  program.exitOverride().configureOutput({
    writeOut: (text) => output.stdout.write(text),
    writeErr: (text) => output.stderr.write(text),
    outputError: () => {}
  })

  /** A command with the options all commands have. */
  const command = (parent: Command, usage: string, summary: string): Command =>
    parent
      .command(usage)
      .description(summary)
      .option('--data-dir <folder>', 'data folder of the agent (default: LARDER_DATA_DIR, else the user’s)')
      .option('--json', 'one JSON value per line on stdout; errors as {"error": …} there')

  command(program, 'agent', 'Run the agent until it is told to stop (Ctrl+C; twice: at once).')
    .option('--machine', 'serve all users of this PC; the service of the package runs it so, as a user of its own')
    .option('--name <name>', 'name shown to people (default: host name)')
    .addOption(
      new Option(
        '--fleet-key <key>',
        'site key of the fleet; every user of this PC sees it in the list of processes, so give the file or variable'
      )
        .env('LARDER_FLEET_KEY')
        .conflicts('fleetKeyFile')
    )
    .option('--fleet-key-file <file>', 'file with the site key; -: from stdin')
    .option('--api-port <port>', 'TCP port of the local API on 127.0.0.1; 0: any free one', whole(0, 65535))
    .option('--peer-port <port>', 'TCP port for peers; 0: any free one', whole(0, 65535))
    .option('--beacon-port <port>', 'UDP port of the beacon', whole(0, 65535))
    .option('--listen <address>', 'address the peer port listens on')
    .option('--seed <host:port...>', 'peers to greet where multicast is blocked')
    .option('--no-beacon', 'do not look for peers by multicast and broadcast')
    .option('--include-loopback', 'use the loopback interface for discovery (several agents on one PC)')
    .option('--weight <n>', 'weight in elections, 0 to 99; 0: never master', whole(0, 99))
    .option('--cache-dir <folder>', 'cache folder')
    .option('--cache-max <size>', 'size limit of the cache, e.g. 20GiB', size)
    .addOption(
      new Option('--log-level <level>', 'least level that is logged').choices([
        'fatal',
        'error',
        'warn',
        'info',
        'debug',
        'trace'
      ])
    )
    .option('--ui', 'serve the window to browsers of this PC (`larder ui` opens it)')
    .option('--set <section.name=value...>', 'any other setting, with a unit where it has one')
    .addHelpText(
      'after',
      examples([
        'larder agent --fleet-key-file /etc/larder/site-key',
        'larder agent --cache-max 20GiB --set rates.upload=20mbit',
        'larder agent --data-dir ./a --api-port 0 --peer-port 0 --json'
      ])
    )
    .action(async (options) => {
      const { runAgent } = await import('./run-agent.ts')
      await runAgent(options, output, host)
    })

  const hub = command(
    program,
    'hub',
    'Run this PC as the hub of a site and nothing else, so that the site’s subnets download each content only once.'
  )
    .option('--name <name>', 'name shown to people (default: host name)')
    .addOption(
      new Option('--fleet-key <key>', 'site key of the fleet').env('LARDER_FLEET_KEY').conflicts('fleetKeyFile')
    )
    .option('--fleet-key-file <file>', 'file with the site key; -: from stdin')
    .option('--api-port <port>', 'TCP port of the local API on 127.0.0.1; 0: any free one', whole(0, 65535))
    .option('--peer-port <port>', 'TCP port for agents; 0: any free one', whole(0, 65535))
    .option('--listen <address>', 'address that port listens on')
    .option('--include-loopback', 'count agents on this PC too')
    .option('--set <section.name=value...>', 'any other setting')
    .addHelpText(
      'after',
      examples([
        'larder hub --fleet-key-file /etc/larder/site-key',
        'larder hub status                 hubs of this PC',
        'larder hub members                at a hub: who is connected'
      ])
    )
    .action(async (options) => {
      const { runAgent } = await import('./run-agent.ts')
      const set = ['hub.serve=true', 'integration.enabled=false', ...(options.set ?? [])]
      await runAgent({ ...options, beacon: false, set }, output, host)
    })
  command(hub, 'status', 'Show the hubs of this PC, and the PCs that use this one as a hub.').action(
    async (_, self) => {
      const { showHub } = await import('./hub-commands.ts')
      await showHub(self.optsWithGlobals(), output)
    }
  )
  command(hub, 'sites', 'At a hub: its sites, what they claim, and what they saved.').action(async (_, self) => {
    const { showHubSites } = await import('./hub-commands.ts')
    await showHubSites(self.optsWithGlobals(), output)
  })
  command(hub, 'contents', 'At a hub: contents that are claimed now; it knows no names.').action(async (_, self) => {
    const { showHubContents } = await import('./hub-commands.ts')
    await showHubContents(self.optsWithGlobals(), output)
  })
  command(hub, 'members', 'At a hub: PCs that are connected to it, and their versions.').action(async (_, self) => {
    const { showHubMembers } = await import('./hub-commands.ts')
    await showHubMembers(self.optsWithGlobals(), output)
  })

  command(program, 'get', 'Download a URL to a file, through the agent if one is running.')
    .argument('<url>', 'http(s) URL, or relative to the background channel')
    .option('-o, --output <path>', 'file or folder (default: the current folder, name from the URL)')
    .addOption(new Option('--sha256 <hex>', 'expected SHA-256').conflicts('integrity'))
    .option('--integrity <sri>', 'expected digest as sha256-<base64>')
    .addOption(new Option('--kind <kind>', 'what it is').choices(['resource', 'script']))
    .addOption(new Option('--priority <priority>', 'how urgent it is').choices(['foreground', 'background']))
    .option('--timeout <duration>', 'limit of the whole download, e.g. 30s, 1h30m', duration)
    .option(
      '--fallback <duration>',
      'stop waiting for the agent when nothing moves for this time (default: 60s)',
      duration
    )
    .option('--allow-stale', 'use the cached version if the origin cannot be reached')
    .option('--no-stagger', 'no random wait before a direct download')
    .option('--no-agent', 'download directly and at once')
    .option(
      '--header <field>',
      "header field for the origin, 'Name: value'; may be given several times; what may carry a credential makes the download private",
      collect
    )
    .option('--cert-issuer <name>', 'show the origin a client certificate of this issuer, e.g. "CN=Acme Issuing CA"')
    .option('--cert-subject <name>', 'show the origin the client certificate of this subject')
    .option('-q, --quiet', 'say nothing but errors')
    .addHelpText(
      'after',
      examples([
        'larder get https://example.com/setup.msi',
        'larder get https://example.com/setup.msi -o /srv/setup.msi --sha256 9f86d0…',
        'larder get scripts/inventory.ps1 --kind script --timeout 2m --json'
      ])
    )
    .action(async (url, options) => {
      const { get } = await import('./get.ts')
      await get(url, options, output, host)
    })

  command(program, 'ui', 'Open the window of an agent started with --ui in the browser.')
    .option('--print', 'print the link instead; it works once')
    .action(async (options) => {
      const { openUi } = await import('./open-ui.ts')
      await openUi(options, output)
    })

  addDownloadCommands(program, command, output)

  const shown = async () => import('./show.ts')
  command(program, 'status', 'Show the agent in a few lines.').action(async (options) =>
    (await shown()).showStatus(options, output)
  )
  command(program, 'peers', 'List other agents: connected, refused and why.').action(async (options) =>
    (await shown()).showPeers(options, output)
  )
  command(program, 'masters', 'List who was elected master for what, and why.').action(async (options) =>
    (await shown()).showMasters(options, output)
  )
  command(program, 'events', 'Show what has happened.')
    .option('-f, --follow', 'keep showing what happens')
    .option('--kind <kinds>', 'only these kinds, e.g. requestFailed,fallback', kinds)
    .option('--errors', 'only what went wrong')
    .option('--since <when>', 'only from then on: a time back (2h), or after the event of this number', since)
    .option('--last <n>', 'only this number of the newest', whole(1, 100_000))
    .addOption(new Option('--csv', 'as a table for spreadsheets').conflicts(['follow', 'json']))
    .addHelpText(
      'after',
      examples(['larder events --errors --since 2h', 'larder events --kind requestFailed --last 20 --csv'])
    )
    .action(async ({ kind, since: when, ...options }) =>
      (await import('./events.ts')).showEvents({ ...options, ...when, ...(kind && { kinds: kind }) }, output)
    )

  command(program, 'why', 'Explain why a download came from where it did.')
    .argument('<what>', 'id of a request, content key, digest (or the start of one), URL or part of it')
    .option('--all', 'all matching downloads, not only the newest')
    .action(async (what, options) => (await import('./why.ts')).showWhy(what, options, output))
  command(program, 'integrate', 'Set up a download tool of this PC to use the gateway, or undo that.')
    .argument('[tool]', 'apt, dnf, zypper, pip, uv, npm, pnpm, cargo, maven, gradle, containerd, wget or curl')
    .option('--undo', 'undo it, byte for byte')
    .option('--dry-run', 'only say what would be changed')
    .option('--list', 'list the tools, which of them are installed and which are set up')
    .option('--source <url>', 'the registry or mirror to be used instead of the tool’s own')
    .addHelpText(
      'after',
      examples(['larder integrate --list', 'sudo larder integrate apt', 'larder integrate pip --undo'])
    )
    .action(async (tool, options) => (await import('./integrate.ts')).integrateTool(tool, options, output, host))
  command(program, 'doctor', 'Check everything that sharing needs, and say what to fix.').action(async (options) =>
    (await import('./doctor.ts')).runDoctor(options, output)
  )
  command(program, 'support-bundle', 'Write a ZIP with logs, settings and figures, without secrets.')
    .option('-o, --output <file>', 'where to (default: in the current folder)')
    .action(async (options) => (await import('./support-bundle.ts')).writeSupportBundle(options, output))
  const log = program.command('log').description('The log of the agent.')
  command(log, 'level', 'Show the level, or set it until the agent ends.')
    .addArgument(
      new Argument('[level]', 'least level that is logged').choices([
        'fatal',
        'error',
        'warn',
        'info',
        'debug',
        'trace'
      ])
    )
    .action(async (level, options) => (await import('./log-command.ts')).logLevel(level, options, output))

  addCacheCommands(program, command, output)

  const precache = program.command('precache').description('Get contents into the cache before anybody asks.')
  const precached = async () => import('./precache-commands.ts')
  command(precache, 'run', 'Get a list of contents now; without a list, that of the settings.')
    .argument('[list]', 'file (JSON, one URL per line, or as sha256sum writes it), or URL of one')
    .option('--base <url>', 'folder or URL that the relative names in a file refer to')
    .option('--no-wait', 'do not wait for the end')
    .action(async (list, options) => (await precached()).runPrecache(list, options, output))
  command(precache, 'stop', 'End a run; verified pieces are kept.').action(async (options) =>
    (await precached()).stopPrecache(options, output)
  )
  command(precache, 'status', 'Show whether it runs, why not, and how the last run ended.').action(async (options) =>
    (await precached()).precacheStatus(options, output)
  )
  command(precache, 'list', 'Show the list of the settings as it is now.').action(async (options) =>
    (await precached()).listPrecache(options, output)
  )

  const rates = command(program, 'rates', 'Show the rate limits, and how much was served this month.')
  rates
    .option('--table', 'the caps of each hour of the week')
    .action(async (options) => (await import('./rates.ts')).showRates(options, output))
  command(rates, 'set', 'Change rates until the agent next reads its settings.')
    .option('--wan <rate>', 'from origins, per second, e.g. 2M or 50mbit; none: no limit', rate)
    .option('--wan-background <rate>', 'from origins in the background', rate)
    .option('--lan <rate>', 'from peers', rate)
    .option('--lan-background <rate>', 'from peers in the background', rate)
    .option('--upload <rate>', 'to peers', rate)
    .addOption(new Option('--adaptive <switch>', 'background downloads yield to other traffic').choices(['on', 'off']))
    .action(async (options) => {
      const caps = {
        wanForeground: orNull(options.wan),
        wanBackground: orNull(options.wanBackground),
        lanForeground: orNull(options.lan),
        lanBackground: orNull(options.lanBackground),
        upload: orNull(options.upload)
      }
      await (
        await import('./rates.ts')
      ).changeRates(options, { ...caps, ...(options.adaptive && { adaptive: options.adaptive === 'on' }) }, output)
    })
  addSettingCommands(program, command, output, host)

  addFleetCommands(program, command, output)

  const service = program
    .command('service')
    .description('The agent of all users of this PC as a service of its system.')
  const served = async () => import('./service/service-commands.ts')
  command(service, 'install', 'Make the service and start it; packages have done so.')
    .option('--dry-run', 'only say what would be done')
    .action(async (options) => (await served()).installService(options, output))
  command(service, 'uninstall', 'Stop the service and remove it.')
    .option('--purge', 'its cache, its identity and its account too')
    .option('--dry-run', 'only say what would be done')
    .action(async (options) => (await served()).uninstallService(options, output))
  command(service, 'status', 'Show whether it is installed, runs, and serves you.').action(async () =>
    (await served()).showService(output, host)
  )

  const update = program.command('update').description('New releases of Larder on this PC.')
  const updated = async () => import('./update/update-commands.ts')
  command(update, 'status', 'Show where releases come from, and what happened to the last one.').action(async () =>
    (await updated()).showUpdates(output, host)
  )
  command(update, 'check', 'Let the agent look for a new release now.').action(async (options) =>
    (await updated()).lookForUpdate(options, output)
  )
  command(update, 'apply', 'Install the release that the agent has handed over; the service does so by itself.').action(
    async () => (await updated()).applyHandedOver(output, host)
  )

  command(program, 'version', 'Show the version.').action(async () => {
    const { API_VERSION, OUTPUT_VERSION } = await import('../contract/version.ts')
    output.result(
      {
        version: LARDER_VERSION,
        apiVersion: API_VERSION,
        outputVersion: OUTPUT_VERSION,
        node: process.versions.node
      },
      () => `larder ${LARDER_VERSION} (local API ${API_VERSION}, Node ${process.versions.node})`
    )
  })
  program.version(LARDER_VERSION, '-V, --version', 'show the version')
  return program
}

const examples = (lines: readonly string[]): string => `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}\n`

const collect = (text: string, before: readonly string[] | undefined): readonly string[] => [...(before ?? []), text]
