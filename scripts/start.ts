// npm start: the tray application.
process.stderr.write(
  'The tray application is not part of Larder yet.\n' +
    'Run the agent without a window:   npm run agent\n' +
    'Download through it:              npm run larder -- get https://example.org/file -o file\n'
)
process.exitCode = 1
