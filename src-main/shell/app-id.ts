/** The same as in `electron-builder.yml`: Windows shows notifications only of what it can find by it. */
export const APP_ID = 'org.larder.larder'
