/** A window in which the columns of a table do not fit side by side: 400 px, or 800 px at 200 % zoom. */
export const narrow = '(max-width: 40rem)'
/** Between that and a window of everyday size. Media queries must not overlap: the order of their rules is not that of the source. */
export const medium = '(min-width: 40.01rem) and (max-width: 62.5rem)'
