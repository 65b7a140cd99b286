/** The pictures that README and docs show; all others stay out of the repository. */
const IN_BOTH_THEMES = ['storefront', 'game', 'wallet-book', 'round', 'switchboard'] as const;

/** A spin that survives the kill of its worker. */
export const FILM = 'kill-9.gif';

/** Pictures of drawings: a palette would put stripes into their skies. */
export const isDrawn = (name: string): boolean => /^(storefront|game)-/.test(name);

/** Names in docs/images. */
export const SHOWN: readonly string[] = [
  ...IN_BOTH_THEMES.flatMap((name) => [`${name}-light.png`, `${name}-dark.png`]),
  'temporal.png',
  FILM,
];
