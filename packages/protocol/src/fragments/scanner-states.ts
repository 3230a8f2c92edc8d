/**
 * States of the tokenizer, named as in the HTML standard (13.2.5) where it has the same.
 *
 * Those that only matter for what a token says are left out: the states of a doctype and of bogus comments all end
 * at the first `>`, and a comment ends where it would without its less-than states.
 *
 * @module
 */

export const DATA = 0
export const TAG_OPEN = 1
export const END_TAG_OPEN = 2
export const TAG_NAME = 3

export const BEFORE_ATTRIBUTE_NAME = 4
export const ATTRIBUTE_NAME = 5
export const AFTER_ATTRIBUTE_NAME = 6
export const BEFORE_ATTRIBUTE_VALUE = 7
export const DOUBLE_QUOTED = 8
export const SINGLE_QUOTED = 9
export const UNQUOTED = 10
export const SELF_CLOSING = 11

/** Those from here to `CDATA_END` are of `scanner-comments.ts`. */
export const DECLARATION_OPEN = 12
export const DECLARATION_DASH = 13
/** Inside `[CDATA[`, of which `Comments.matched` bytes were there. */
export const DECLARATION_CDATA = 14
/** Up to the first `>`: a doctype too. */
export const BOGUS_COMMENT = 15
export const COMMENT_START = 16
export const COMMENT_START_DASH = 17
export const COMMENT = 18
export const COMMENT_END_DASH = 19
export const COMMENT_END = 20
export const COMMENT_END_BANG = 21
export const CDATA = 22
export const CDATA_BRACKET = 23
export const CDATA_END = 24

/** Those from here on are of `scanner-raw.ts`. RCDATA is like rawtext to whom references mean nothing. */
export const RAWTEXT = 25
export const RAW_LESS = 26
export const RAW_END_NAME = 27
export const PLAIN = 28
export const SCRIPT_DATA = 29
export const SCRIPT_LESS = 30
export const ESCAPE_START = 31
export const ESCAPE_START_DASH = 32
export const ESCAPED = 33
export const ESCAPED_DASH = 34
export const ESCAPED_DASH_DASH = 35
export const ESCAPED_LESS = 36
export const DOUBLE_ESCAPE_START = 37
export const DOUBLE_ESCAPED = 38
export const DOUBLE_ESCAPED_DASH = 39
export const DOUBLE_ESCAPED_DASH_DASH = 40
export const DOUBLE_ESCAPED_LESS = 41
export const DOUBLE_ESCAPE_END = 42
