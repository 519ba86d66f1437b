// Where the focus is, as a test compares it with where it was; null where nothing has it.
// `controls` says in CSS what can have it.
(controls) => {
  const at = document.activeElement;
  if (!at || at === document.body) return null;
  const box = at.getBoundingClientRect();
  const style = getComputedStyle(at);
  const reach = parseFloat(style.outlineOffset) + parseFloat(style.outlineWidth);
  let cut = false;
  for (let over = at.parentElement; over && over !== document.body; over = over.parentElement) {
    if (getComputedStyle(over).overflowX === "visible") continue;
    const room = over.getBoundingClientRect();
    cut ||= box.left - reach < room.left - 1 || box.right + reach > room.right + 1;
  }
  const middle = (from, to, most) => Math.min(Math.max((from + to) / 2, 0), most - 1);
  const top = document.elementFromPoint(
    middle(Math.max(box.left, 0), Math.min(box.right, innerWidth), innerWidth),
    middle(Math.max(box.top, 0), Math.min(box.bottom, innerHeight), innerHeight),
  );
  return {
    index: [...document.querySelectorAll(controls)].indexOf(at),
    words: at.outerHTML.slice(0, 120),
    outlined: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 && !cut,
    in_sight: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
    covered: !!top && !at.contains(top) && !top.contains(at) && !at.labels?.length,
    in_main: !!at.closest("main"),
    field: [...document.querySelectorAll(".field")].indexOf(at.closest(".field")),
    top: box.top + scrollY,
    bottom: box.bottom + scrollY,
  };
}
