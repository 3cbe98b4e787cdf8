// Loaded before a program: takes from this Node what Node 20.9 lacks.
const lacking = require('./node-20-lacks.json')

for (const path of lacking.globals) {
  const names = path.split('.')
  const last = names.pop()
  const owner = names.reduce((value, name) => value?.[name], globalThis)
  if (owner) delete owner[last]
}
for (const [module, names] of Object.entries(lacking.modules)) {
  const exported = require(module)
  // What Node has no setter for stays; none of those is of use to a client.
  for (const name of names) if (Object.getOwnPropertyDescriptor(exported, name)?.configurable) delete exported[name]
}
require('module').syncBuiltinESMExports()
