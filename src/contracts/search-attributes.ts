import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';

/**
 * What an operator can filter rounds by in the Temporal UI. SQL visibility has room for ten keywords and
 * three keyword lists in a namespace, so each attribute here has to earn its place. They are stored in
 * clear and cannot be erased: ids of ours only, never a player's reference.
 */
export const SEARCH_ATTRIBUTES = [
  { name: 'Partner', type: 'Keyword' },
  { name: 'Connection', type: 'Keyword' },
  { name: 'Player', type: 'Keyword' },
  { name: 'Product', type: 'Keyword' },
  { name: 'Game', type: 'Keyword' },
  { name: 'RoundStatus', type: 'Keyword' },
  { name: 'BetIds', type: 'KeywordList' },
] as const;

const { KEYWORD, KEYWORD_LIST } = SearchAttributeType;

/** The same attributes as typed keys. */
export const ROUND_ATTRIBUTES = {
  partner: defineSearchAttributeKey('Partner', KEYWORD),
  connection: defineSearchAttributeKey('Connection', KEYWORD),
  player: defineSearchAttributeKey('Player', KEYWORD),
  product: defineSearchAttributeKey('Product', KEYWORD),
  game: defineSearchAttributeKey('Game', KEYWORD),
  roundStatus: defineSearchAttributeKey('RoundStatus', KEYWORD),
  betIds: defineSearchAttributeKey('BetIds', KEYWORD_LIST),
} as const;
