// What of a page's words cannot be read whole, as sentences; none where all is well.
// It asks the lines as they were laid out, so it needs neither names of classes nor a language.
() => {
  const SLACK = 1; // pixels that rounding may take
  const found = [];
  const words = (text) => `“${text.trim().replace(/\s+/g, " ").slice(0, 40)}”`;
  const named = (element) =>
    element.tagName.toLowerCase() + (element.id ? `#${element.id}` : "") +
    (element.classList.length ? `.${[...element.classList].join(".")}` : "");

  // Said to screen readers alone, or folded away until it has the focus.
  const unseen = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const box = at.getBoundingClientRect();
      if (getComputedStyle(at).clipPath === "inset(50%)") return true;
      if (box.bottom + scrollY <= 0) return true;
    }
    return false;
  };
  const seen = (element) =>
    element.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && !unseen(element);
  const layer = (element) => element.closest("[popover]");

  const lines = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const element = node.parentElement;
    if (!node.data.trim() || element.closest("option, script, style, noscript") || !seen(element)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const box of range.getClientRects()) {
      if (box.width > 0 && box.height > 0) lines.push({ element, box, text: node.data });
    }
  }

  const outside = (line, box) => line.box.left < box.left - SLACK || line.box.right > box.right + SLACK;
  const block = (element) => {
    let at = element;
    while (/^(inline|contents)$/.test(getComputedStyle(at).display)) at = at.parentElement;
    return at;
  };
  for (const line of lines) {
    if (line.element.closest('[aria-hidden="true"]')) continue; // its words stand elsewhere too
    if (line.box.left < -SLACK || line.box.right > innerWidth + SLACK) {
      found.push(`${words(line.text)} goes beyond the edge of the page`);
    }
    const own = block(line.element);
    const room = own.getBoundingClientRect();
    const tall = parseFloat(getComputedStyle(line.element).fontSize) / 2;
    if (outside(line, room) || line.box.bottom > room.bottom + tall || line.box.top < room.top - tall) {
      found.push(`${words(line.text)} sticks out of ${named(own)}`);
    }
    for (let at = line.element; at && at !== document.body; at = at.parentElement) {
      const { overflowX, overflowY } = getComputedStyle(at);
      if (overflowX === "visible" && overflowY === "visible") continue;
      const box = at.getBoundingClientRect();
      const below = line.box.bottom > box.bottom + tall || line.box.top < box.top - tall;
      if (outside(line, box) || (below && !/auto|scroll/.test(overflowY))) {
        found.push(`${words(line.text)} is cut off by ${named(at)}`);
      }
    }
  }

  // What is chosen in a list of choices, beside its arrow. Where a reader spaces letters out
  // herself it may be cut: it cannot wrap, and stands whole in the list.
  const pen = document.createElement("canvas").getContext("2d");
  for (const select of document.querySelectorAll("select")) {
    if (!seen(select) || !select.selectedOptions.length) continue;
    const style = getComputedStyle(select);
    if (style.letterSpacing !== "normal") continue;
    const text = select.selectedOptions[0].textContent.trim();
    pen.font = style.font;
    const room = select.clientWidth - parseFloat(style.paddingInlineStart) - parseFloat(style.paddingInlineEnd);
    if (pen.measureText(text).width > room) found.push(`${words(text)} does not fit into its list of choices`);
  }

  // Lines over lines, and lines over what is drawn or pressed. A line's box has air above
  // and below its letters.
  const things = [...document.querySelectorAll("button, input, select, textarea, summary, svg, img")]
    .filter((element) => element.type !== "hidden" && seen(element))
    .map((element) => ({ element, box: element.getBoundingClientRect(), text: named(element), drawn: true }));
  const all = [...lines, ...things];
  const air = (one) => (one.drawn ? 0 : one.box.height * 0.2);
  all.forEach((one, index) => {
    for (const other of all.slice(index + 1)) {
      if (one.drawn && one.element.contains(other.element)) continue;
      if (other.drawn && other.element.contains(one.element)) continue;
      if (layer(one.element) !== layer(other.element)) continue;
      const across = Math.min(one.box.right, other.box.right) - Math.max(one.box.left, other.box.left);
      const down = Math.min(one.box.bottom - air(one), other.box.bottom - air(other)) -
        Math.max(one.box.top + air(one), other.box.top + air(other));
      if (across > 2 && down > 2) found.push(`${words(one.text)} (${named(one.element)}) and ${words(other.text)} (${named(other.element)}) overlap`);
    }
  });
  return [...new Set(found)];
}
