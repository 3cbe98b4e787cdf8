/** Given to the program by whatever starts it without the person: the login, a new release. */
export const HIDDEN_FLAG = '--hidden'
/** Given by the installer of Windows when it has put a new release in its place. */
export const UPDATED_FLAG = '--updated'
