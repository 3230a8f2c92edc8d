/**
 * Pages somebody thought of, each with the fragment tags that are found in it: seeds of the fuzzing too.
 *
 * @module
 */

export interface ScanCase {
  /** A sentence about the page. */
  readonly title: string
  readonly page: string
  /** The tags and scripts that are found, in order; everything else is text. */
  readonly tags: readonly string[]
}

const F = '<m:fragment ref=a>'
const E = '</m:fragment>'

/** Cases by what they are about. */
export const SCAN_CASES: Readonly<Record<string, readonly ScanCase[]>> = {
  names: [
    { title: 'a pair of tags is found with what is between them as text', page: `a${F}b${E}c`, tags: [F, E] },
    {
      title: 'upper case is the same name',
      page: '<M:FRAGMENT>x</m:Fragment>',
      tags: ['<M:FRAGMENT>', '</m:Fragment>'],
    },
    {
      title: 'any prefix of letters, digits, dots, lines and dashes will do',
      page: '<a1.b_c-d:fragment></A1.B_C-D:fragment>',
      tags: ['<a1.b_c-d:fragment>', '</A1.B_C-D:fragment>'],
    },
    {
      title: 'a name without a prefix is none of ours',
      page: '<fragment></fragment><:fragment></:fragment>',
      tags: [],
    },
    {
      title: 'a longer name is another one',
      page: '<m:fragments></m:fragments><m:fragment-x><am:fragmen>',
      tags: [],
    },
    {
      title: 'a prefix holds no colon and nothing beyond ASCII',
      page: '<a:m:fragment><m\u00e9:fragment><m+n:fragment>',
      tags: [],
    },
    { title: 'a prefix begins with a letter, as tags do', page: '<1:fragment><-m:fragment>', tags: [] },
    { title: 'a NUL makes it another name', page: '<m\0:fragment><m:frag\0ment><m:fragment\0>', tags: [] },
    {
      title: 'white space of any kind ends a name',
      page: '<m:fragment\n/><m:fragment\t/><m:fragment\f/><m:fragment\r\n/>',
      tags: ['<m:fragment\n/>', '<m:fragment\t/>', '<m:fragment\f/>', '<m:fragment\r\n/>'],
    },
    { title: 'white space before a name makes it text', page: '< m:fragment><\nm:fragment>', tags: [] },
    { title: 'an angle that opens nothing is text before a tag', page: `1 < 2 <<${F}<`, tags: [F] },
    {
      title: 'a name may be as long as a prefix can be',
      page: `<${'p'.repeat(128)}:fragment/><${'p'.repeat(129)}:fragment/>`,
      tags: [`<${'p'.repeat(128)}:fragment/>`],
    },
  ],
  pairs: [
    { title: 'fragments nest', page: `${F}${F}${E}${E}`, tags: [F, F, E, E] },
    { title: 'an end tag that closes nothing is text', page: `${E}${F}${E}${E}`, tags: [F, E] },
    {
      title: 'an end tag with another prefix is text',
      page: `<a:fragment></b:fragment></a:fragment>`,
      tags: ['<a:fragment>', '</a:fragment>'],
    },
    {
      title: 'only the innermost fragment can be closed',
      page: '<a:fragment><b:fragment></a:fragment></b:fragment></a:fragment>',
      tags: ['<a:fragment>', '<b:fragment>', '</b:fragment>', '</a:fragment>'],
    },
    {
      title: 'a tag that closes itself is not open afterwards',
      page: `<m:fragment/>${E}`,
      tags: ['<m:fragment/>'],
    },
    {
      title: 'an end tag may have attributes, which mean nothing',
      page: `${F}</m:fragment a=">" />`,
      tags: [F, '</m:fragment a=">" />'],
    },
    { title: 'a fragment left open is for the reader to notice', page: `${F}x`, tags: [F] },
    { title: 'a tag cut off by the end of the page is text', page: `${F}</m:fragment`, tags: [F] },
    { title: 'a start tag cut off inside a quote is text', page: '<m:fragment ref="a>', tags: [] },
  ],
  menus: [
    {
      title: 'a menu is found with its fallback as text',
      page: 'a<m:menu name="main"><a href="/">x</a></m:menu>b',
      tags: ['<m:menu name="main">', '</m:menu>'],
    },
    {
      title: 'a menu may close itself, in any case and with any prefix',
      page: '<Nav-1:MENU name=main /></nav-1:menu>',
      tags: ['<Nav-1:MENU name=main />'],
    },
    { title: 'menu alone is an element of HTML', page: '<menu><li></menu><:menu><m:menus>', tags: [] },
    {
      title: 'menus and fragments nest',
      page: `${F}<m:menu>${F}${E}</m:menu>${E}<m:menu>${F}${E}</m:menu>`,
      tags: [F, '<m:menu>', F, E, '</m:menu>', E, '<m:menu>', F, E, '</m:menu>'],
    },
    {
      title: 'one does not close the other',
      page: `${F}</m:menu>${E}<m:menu>${E}</x:menu></m:menu>`,
      tags: [F, E, '<m:menu>', '</m:menu>'],
    },
    {
      title: 'only what was opened last can be closed',
      page: `${F}<m:menu>${E}</m:menu>${E}`,
      tags: [F, '<m:menu>', '</m:menu>', E],
    },
    {
      title: 'a menu in a comment or a script is none',
      page: '<!--<m:menu>--><script><m:menu></script>',
      tags: [],
    },
  ],
  links: [
    {
      title: 'a link that is marked is found',
      page: 'a<a m:link href="/x">b</a><a href="/x">c</a>',
      tags: ['<a m:link href="/x">'],
    },
    { title: 'so is an area', page: '<map><area href=/x m:link></map>', tags: ['<area href=/x m:link>'] },
    {
      title: 'the mark has any prefix, in any case, with a value or without',
      page: '<A X.1-a:Link=""><a y:link=/x><a\nz:link/>',
      tags: ['<A X.1-a:Link="">', '<a y:link=/x>', '<a\nz:link/>'],
    },
    {
      title: 'no other attribute marks it',
      page: '<a link><a :link><a m:links><a m:link-x><a a:m:link><a xlink:href=m:link><a href="http://m:link/">',
      tags: [],
    },
    {
      title: 'nor does it mark another element',
      page: '<link m:link><p m:link><abbr m:link><m:a m:link><button m:link>',
      tags: [],
    },
    { title: 'an end tag is none', page: '</a m:link>', tags: [] },
    { title: 'a mark in a value is none', page: '<a title=" m:link "><a title=\' m:link\'>', tags: [] },
    {
      title: 'a link may hold an angle in a value',
      page: '<a title=">" m:link>x<a title=a"m:link>',
      tags: ['<a title=">" m:link>'],
    },
    {
      title: 'links are found in fragments, menus and drawings',
      page: `${F}<a m:link>${E}<m:menu><a m:link></m:menu><svg><a m:link/></svg>`,
      tags: [F, '<a m:link>', E, '<m:menu>', '<a m:link>', '</m:menu>', '<a m:link/>'],
    },
    {
      title: 'links in raw text are text',
      page: '<textarea><a m:link></textarea><!--<a m:link>--><script>"<a m:link>"</script>',
      tags: [],
    },
  ],
  attributes: [
    {
      title: 'a tag ends behind the quotes',
      page: '<m:fragment a="x>y" b=\'>"\'>',
      tags: ['<m:fragment a="x>y" b=\'>"\'>'],
    },
    {
      title: 'quotes may follow each other without space',
      page: '<m:fragment a="1"b=\'2\'/>',
      tags: ['<m:fragment a="1"b=\'2\'/>'],
    },
    {
      title: 'a quote inside a name or an unquoted value quotes nothing',
      page: '<m:fragment a"b=c"d>x">',
      tags: ['<m:fragment a"b=c"d>'],
    },
    {
      title: 'a value may come after white space',
      page: '<m:fragment a = \n ">">',
      tags: ['<m:fragment a = \n ">">'],
    },
    { title: 'a missing value ends with the tag', page: '<m:fragment a=>">', tags: ['<m:fragment a=>'] },
    { title: 'an equals sign may begin a name', page: '<m:fragment =">">', tags: ['<m:fragment =">'] },
    {
      title: 'a solidus in an unquoted value closes nothing',
      page: `<m:fragment ref=a/>b${E}`,
      tags: ['<m:fragment ref=a/>', E],
    },
    {
      title: 'a solidus between attributes is white space',
      page: '<m:fragment/ref="a"/ >',
      tags: ['<m:fragment/ref="a"/ >'],
    },
    {
      title: 'tags of no interest end behind their quotes too',
      page: `<p title="${F}" data-x='${F}'>${F}`,
      tags: [F],
    },
    {
      title: 'a tag inside an unquoted value is part of it up to its angle',
      page: `<p title=${F}`,
      tags: [],
    },
    {
      title: 'references in values end nothing',
      page: '<m:fragment a="&quot;>" b=&gt;>',
      tags: ['<m:fragment a="&quot;>" b=&gt;>'],
    },
  ],
  comments: [
    { title: 'tags in comments are text', page: `<!--${F}-->${F}`, tags: [F] },
    { title: 'a comment may be over at once', page: `<!-->${F}<!--->${F}<!---->`, tags: [F, F] },
    { title: 'a comment ends with a bang as well', page: `<!--${F}--!>${F}`, tags: [F] },
    { title: 'a bang alone ends no comment', page: `<!--!>${F}--!${F}--!-->`, tags: [] },
    { title: 'a comment does not nest', page: `<!--<!--${F}-->${F}-->`, tags: [F] },
    { title: 'a comment that opens another may end in it', page: `<!--<!-->${F}`, tags: [F] },
    { title: 'more dashes end a comment as well', page: `<!--x--->${F}<!--x---->${F}`, tags: [F, F] },
    { title: 'a dash too few ends no comment', page: `<!--x->${F}-- >${F}`, tags: [] },
    {
      title: 'what begins like an instruction ends at the first angle',
      page: `<?xml "${F}"?>${F}`,
      tags: [F],
    },
    {
      title: 'what begins like a declaration ends at the first angle',
      page: `<!x "${F}">${F}<!->${F}`,
      tags: [F, F],
    },
    {
      title: 'an end tag without a name is a comment up to the first angle',
      page: `</ ${F}>${F}</>${F}`,
      tags: [F, F],
    },
    {
      title: 'a doctype ends at the first angle, quotes or not',
      page: `<!DOCTYPE html PUBLIC "a>${F}">`,
      tags: [F],
    },
    { title: 'a comment that never ends hides the rest', page: `<!-- ${F}`, tags: [] },
  ],
  raw: [
    ...['style', 'xmp', 'iframe', 'noembed', 'noframes', 'noscript', 'title', 'textarea', 'script'].map(
      (name): ScanCase => ({
        title: `tags in ${name} are text, up to its own end tag`,
        page: `<${name} a=">">${F}</${name}x>${F}</ ${name}>${F}</${name.toUpperCase()}\n a=">">${F}`,
        tags: [F],
      }),
    ),
    { title: 'nothing after plaintext is a tag', page: `<plaintext>${F}</plaintext>${F}`, tags: [] },
    { title: 'a raw element that would close itself does not', page: `<style/>${F}</style>${F}`, tags: [F] },
    { title: 'a comment means nothing in raw text', page: `<style><!--</style>${F}-->`, tags: [F] },
    { title: 'an end tag may begin within another', page: `<title></tit</title>${F}`, tags: [F] },
    {
      title: 'a raw element cut off by the end of the page hides the rest',
      page: `<title>${F}</title`,
      tags: [],
    },
    { title: 'a script may be in a comment of its own', page: `<script><!-- </script>${F}`, tags: [F] },
    {
      title: 'a script inside such a comment hides an end tag',
      page: `<script><!-- <script> </script>${F} --></script>${F}`,
      tags: [F],
    },
    {
      title: 'a comment over at once hides no end tag',
      page: `<script><!--><script></script>${F}`,
      tags: [F],
    },
    {
      title: 'a script that only looks like one hides nothing',
      page: `<script><!-- <scripts> </script>${F}`,
      tags: [F],
    },
    {
      title: 'the inner script is over with its end tag',
      page: `<script><!-- <script> </script/ </script>${F}`,
      tags: [F],
    },
    {
      title: 'an inner script is over with its comment',
      page: `<script><!-- <script> --> </script>${F}`,
      tags: [F],
    },
  ],
  foreign: [
    {
      title:
        'a drawing that closes itself holds nothing: what follows is HTML, where scripts and titles are text',
      page: `<svg class=icon /><script>${F}</script><math/><title>${F}</title>${F}${E}`,
      tags: [F, E],
    },
    {
      title: 'tags in drawings and formulas are tags',
      page: `<svg>${F}<g>${E}</g></svg><math>${F}${E}</math>`,
      tags: [F, E, F, E],
    },
    {
      title: 'CDATA is text in a drawing',
      page: `<svg><![CDATA[${F}]]>${F}<![CDATA[]]]>${F}</svg>`,
      tags: [F, F],
    },
    { title: 'CDATA is a comment elsewhere', page: `<![CDATA[${F}]]>${F}`, tags: [F] },
    { title: 'CDATA is written in capitals', page: `<svg><![cdata[${F}]]>${F}</svg>`, tags: [F] },
    {
      title: 'style and title hide nothing in a drawing',
      page: `<svg><style>${F}${E}</style></svg>`,
      tags: [F, E],
    },
    { title: 'a drawing over, style hides again', page: `<svg></svg><style>${F}</style>`, tags: [] },
    {
      title: 'HTML inside a drawing is HTML',
      page: `<svg><foreignObject><style>${F}</style><![CDATA[>${F}`,
      tags: [F],
    },
    {
      title: 'a drawing goes on behind its HTML',
      page: `<svg><foreignobject></foreignObject><style>${F}</style>`,
      tags: [F],
    },
    {
      title: 'title and desc of a drawing hold HTML',
      page: `<svg><desc><xmp>${F}</xmp></desc><title><xmp>${F}</xmp></title><xmp>${F}`,
      tags: [F],
    },
    {
      title: 'text of a formula is HTML',
      page: `<math><mi><style>${F}</style></mi><mtext><xmp>${F}</xmp></mtext><style>${F}`,
      tags: [F],
    },
    {
      title: 'an annotation is HTML when it says so',
      page: `<math><annotation-xml encoding="Text/HTML"><style>${F}</style>`,
      tags: [],
    },
    {
      title: 'an annotation may say so with references',
      page: `<math><annotation-xml encoding=text&#x2F;html><style>${F}</style>`,
      tags: [],
    },
    {
      title: 'an annotation may be XHTML',
      page: `<math><annotation-xml encoding=application/xhtml&plus;xml><style>${F}</style>`,
      tags: [],
    },
    {
      title: 'an annotation of another kind is none',
      page: `<math><annotation-xml encoding="a" encoding="text/html"><style>${F}</style>`,
      tags: [F],
    },
    {
      title: 'an annotation that closes itself holds nothing',
      page: `<math><annotation-xml encoding="text/html"/><style>${F}</style>`,
      tags: [F],
    },
    { title: 'a paragraph ends a drawing', page: `<svg><g><p><style>${F}</style>`, tags: [] },
    {
      title: 'a font ends a drawing only when it says how it looks',
      page: `<svg><font><style>${F}</style><font COLOR><style>${F}</style>`,
      tags: [F],
    },
    { title: 'a script in a drawing may hold tags', page: `<svg><script>${F}</script></svg>`, tags: [F] },
  ],
  templates: [
    { title: 'tags in a template are tags', page: `<template>${F}${E}</template>`, tags: [F, E] },
    { title: 'tags in a select are tags', page: `<select><option>${F}${E}</select>`, tags: [F, E] },
  ],
  script: [
    {
      title: 'the attributes come without their element',
      page: 'a<script type="application/json" m:attributes>{"a":1}</script>b',
      tags: ['{"a":1}'],
    },
    {
      title: 'their script may be written in any way',
      page: '<SCRIPT X.y:Attributes="" id=a TYPE=Application/JSON >[]</Script\n>',
      tags: ['[]'],
    },
    { title: 'they may be empty', page: '<script m:attributes type=application/json></script>', tags: [''] },
    {
      title: 'another script is text',
      page: '<script type="application/json">1</script><script m:attributes>2</script><script type=a type=application/json m:attributes>3</script><script type="application/json" attributes>4</script>',
      tags: [],
    },
    {
      title: 'in a drawing they are text',
      page: '<svg><script type="application/json" m:attributes>1</script></svg>',
      tags: [],
    },
    {
      title: 'without an end they are text',
      page: '<script type="application/json" m:attributes>1</scrip',
      tags: [],
    },
    {
      title: 'tags in them are part of them',
      page: `<script type="application/json" m:attributes>"${F}"</script>${F}`,
      tags: [`"${F}"`, F],
    },
    {
      title: 'they may hold a comment with a script',
      page: '<script type="application/json" m:attributes>"<!--<script></script>-->"</script>',
      tags: ['"<!--<script></script>-->"'],
    },
  ],
  bytes: [
    { title: 'bytes beyond ASCII are text', page: `\xff\xfe\x80${F}\xc3\xa9<\xe9>`, tags: [F] },
    { title: 'NUL bytes are text', page: `\0<\0${F}\0`, tags: [F] },
    { title: 'an empty page is nothing', page: '', tags: [] },
  ],
}
