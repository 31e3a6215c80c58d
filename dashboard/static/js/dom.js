/** Build elements from data without ever parsing it as HTML. */

const SVG = 'http://www.w3.org/2000/svg';
const SPRITE = new URL('../vendor/lucide/icons.svg', import.meta.url).pathname;

/**
 * Make an element. `attributes` become attributes (null or false leaves one out, true sets it empty), `on` holds listeners;
 * strings and numbers among the children become text.
 */
export function el(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** Make an SVG element; otherwise as `el`. */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, { on = {}, ...attributes }, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? '' : value);
  }
  for (const [type, listener] of Object.entries(on)) element.addEventListener(type, listener);
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** One icon of the sprite; decoration only, a word stands beside it. */
export function icon(name) {
  return svg('svg', { class: 'icon', 'aria-hidden': 'true', focusable: 'false' }, svg('use', { href: `${SPRITE}#${name}` }));
}

/** Set text only when it differs, so that nothing is repainted or re-announced for nothing. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Run `work` once in the next animation frame, however often it is asked for until then. */
export function oncePerFrame(work) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      work();
    });
  };
}

/** Whether keys typed now belong to a field. */
export function isTyping(target) {
  return target instanceof Element && target.closest('input:not([type="checkbox"]), select, textarea, [contenteditable]') !== null;
}
