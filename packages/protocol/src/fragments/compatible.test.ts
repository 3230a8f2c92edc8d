import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RefDeclaration, UseDeclaration } from '../registration.ts'
import { misfitsOf } from './compatible.ts'

const declared: RefDeclaration = {
  ref: 'checkout',
  attributes: ['total', 'lines'],
  imports: ['dob', 'country'],
}

function useOf(imports: string[], exports: string[]): UseDeclaration {
  return { place: 'product.html:12:5', service: 'orders', ref: 'checkout', imports, exports }
}

test('a tag that asks for what the fragment declares fits', () => {
  assert.deepEqual(misfitsOf(useOf(['dob'], ['total', 'lines.first']), declared), [])
  assert.deepEqual(misfitsOf(useOf([], []), declared), [])
})

test('an import under a name the fragment sets itself is a conflict', () => {
  assert.deepEqual(misfitsOf(useOf(['total'], []), declared), [
    {
      kind: 'FragmentImportConflict',
      isWarning: false,
      sentence:
        'product.html:12:5 imports "total", which fragment "checkout" of orders sets itself; write imports="total as pageTotal" in the tag, or give it another name in the fragment',
    },
  ])
})

test('an import the fragment doesn’t take, or an export it doesn’t declare, is a warning', () => {
  assert.deepEqual(misfitsOf(useOf(['contry', 'constructor'], ['totl', 'tax.rate']), declared), [
    {
      kind: 'FragmentUnusedImport',
      isWarning: true,
      sentence:
        'product.html:12:5 imports "contry", which fragment "checkout" of orders doesn\'t take; write imports="contry as country", or add "contry" to the fragment\'s imports',
    },
    {
      kind: 'FragmentUnusedImport',
      isWarning: true,
      sentence:
        'product.html:12:5 imports "constructor", which fragment "checkout" of orders doesn\'t take; take it out, or add "constructor" to the fragment\'s imports',
    },
    {
      kind: 'FragmentUnknownExport',
      isWarning: true,
      sentence:
        'product.html:12:5 exports "totl", which fragment "checkout" of orders doesn\'t declare; write "total" in its place, or "total as totl" if the page calls it "totl", or declare it in the fragment',
    },
    {
      kind: 'FragmentUnknownExport',
      isWarning: true,
      sentence:
        'product.html:12:5 exports "tax", which fragment "checkout" of orders doesn\'t declare; take it out, or declare it in the fragment',
    },
  ])
})

test('a fragment that declares no imports takes anything it doesn’t set', () => {
  const anything: RefDeclaration = { ref: 'checkout', attributes: ['total'] }
  assert.deepEqual(misfitsOf(useOf(['dob', 'x'], ['total']), anything), [])
  assert.deepEqual(
    misfitsOf(useOf(['dob', 'total', 'total'], []), anything).map(({ kind }) => kind),
    ['FragmentImportConflict'],
  )
})

test('conflicts come before warnings, each name once', () => {
  assert.deepEqual(
    misfitsOf(useOf(['x', 'x', 'total', 'lines'], ['y', 'y.z']), declared).map(({ kind }) => kind),
    ['FragmentImportConflict', 'FragmentImportConflict', 'FragmentUnusedImport', 'FragmentUnknownExport'],
  )
})
