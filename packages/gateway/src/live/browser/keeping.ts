/**
 * Replacing a part of a page under the visitor: what they typed, where they are, and what they look at stays.
 *
 * @module
 */

type Control = HTMLInputElement & Partial<Pick<HTMLSelectElement, 'options'>>

/** Replaces what is in a range. Elements stand for each other when id and name are the same, else by their order. */
export function keeping(range: Range, replace: () => void): void {
  const { scrollingElement, activeElement } = document
  const before = elementsIn(range)
  const keysBefore = Map.groupBy(before, keyOf)
  // The topmost thing that can be seen stays where it is, in browsers that don't see to that themselves.
  const seen = document.elementFromPoint(innerWidth / 2, 1)
  const topOf = (element: Element) => element.getBoundingClientRect().top
  const topBefore = seen ? topOf(seen) : 0

  replace()

  const keysNow = Map.groupBy(elementsIn(range), keyOf)
  for (const element of before) {
    const key = keyOf(element)
    const twin = keysNow.get(key)?.[keysBefore.get(key)!.indexOf(element)]
    if (!twin) continue
    if (element.matches('input,textarea,select')) keepValue(element, twin)
    if (element !== activeElement) continue
    twin.focus({ preventScroll: true })
    const { selectionStart, selectionEnd } = element
    // Of the controls only those with text to select have one.
    if (selectionStart != null) twin.setSelectionRange(selectionStart, selectionEnd)
  }
  if (seen?.isConnected) scrollingElement!.scrollTop += topOf(seen) - topBefore
}

/** What a visitor changed; all else is as the new page says. */
function keepValue({ type, value, checked, defaultValue, defaultChecked, options }: Control, twin: Control) {
  if (checked !== defaultChecked) twin.checked = checked
  if (options) {
    const isChosen = [...options].some(({ selected, defaultSelected }) => selected !== defaultSelected)
    if (isChosen && [...twin.options!].some((option) => option.value === value)) twin.value = value
  } else if (type !== 'file' && value !== defaultValue) twin.value = value
}

function elementsIn(range: Range): Control[] {
  const around = range.commonAncestorContainer as Element
  return [...around.querySelectorAll<Control>('*')].filter((element) => range.intersectsNode(element))
}

function keyOf({ localName, type, id, name }: Control): string {
  return [localName, type, id, name].join()
}
