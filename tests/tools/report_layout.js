// Measures a report as the browser has laid it out. Gives the faults as sentences; evaluated by
// report_browser_test.py, never part of a page.
(() => {
  const faults = [];
  const say = (text) => faults.push(text);
  const textOf = (element) => `"${element.textContent.trim().slice(0, 40)}"`;

  // --- Colours: WCAG's contrast ratio.
  const parse = (colour) => {
    const parts = colour.match(/[\d.]+/g);
    return parts === null ? null : parts.map(Number);
  };
  const light = (colour) => {
    const linear = colour.slice(0, 3).map((part) => part / 255)
        .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const contrast = (a, b) =>
      (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
  const opaque = (colour) => colour !== null && (colour.length < 4 || colour[3] === 1);
  const groundOf = (element) => {
    for (let at = element; at !== null; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (opaque(colour)) return colour;
    }
    return [255, 255, 255];
  };
  // The last filled rectangle before the text that lies under all of it.
  const groundInPlot = (svg, text) => {
    let ground = {colour: groundOf(svg), box: null};
    const box = text.getBBox();
    for (const rect of svg.querySelectorAll('rect')) {
      if (!(rect.compareDocumentPosition(text) & Node.DOCUMENT_POSITION_FOLLOWING)) break;
      if (rect.closest('defs, clipPath') !== null) continue;
      const around = rect.getBBox();
      const fill = parse(getComputedStyle(rect).fill);
      const x = box.x + box.width / 2, y = box.y + box.height / 2;
      if (fill === null || getComputedStyle(rect).fill.startsWith('url')) continue;
      if (x >= around.x && x <= around.x + around.width && y >= around.y &&
          y <= around.y + around.height) ground = {colour: fill, box: around};
    }
    return ground;
  };

  // --- Pictures.
  const meet = (a, b) => a.x + a.width > b.x + 0.5 && b.x + b.width > a.x + 0.5 &&
      a.y + a.height > b.y + 1.5 && b.y + b.height > a.y + 1.5;
  const plots = [...document.querySelectorAll('svg')];
  let texts_seen = 0;
  for (const svg of plots) {
    const name = svg.id;
    const shown = svg.getBoundingClientRect();
    const view = svg.viewBox.baseVal;
    if (shown.width < 100 || shown.height < 50) {
      say(`${name} is ${shown.width} by ${shown.height} pixels`);
      continue;
    }
    if (Math.abs(shown.width / view.width - shown.height / view.height) > 0.02) {
      say(`${name} is not in proportion`);
    }
    const texts = [...svg.querySelectorAll('text')];
    if (texts.length < 3) say(`${name} has ${texts.length} texts`);
    const boxes = texts.map((text) => text.getBBox());
    texts_seen += texts.length;
    texts.forEach((text, i) => {
      const box = boxes[i];
      if (box.width <= 0 || box.height <= 0) say(`${name}: ${textOf(text)} is not seen`);
      if (box.x < view.x - 0.5 || box.y < view.y - 0.5 ||
          box.x + box.width > view.x + view.width + 0.5 ||
          box.y + box.height > view.y + view.height + 0.5) {
        say(`${name}: ${textOf(text)} leaves the picture`);
      }
      for (let j = i + 1; j < texts.length; ++j) {
        if (meet(box, boxes[j])) say(`${name}: ${textOf(text)} meets ${textOf(texts[j])}`);
      }
      const size = parseFloat(getComputedStyle(text).fontSize) * shown.width / view.width;
      if (size < 8) say(`${name}: ${textOf(text)} is ${size.toFixed(1)} pixels high`);
      const ground = groundInPlot(svg, text);
      if (ground.box !== null &&
          (box.x < ground.box.x || box.x + box.width > ground.box.x + ground.box.width)) {
        say(`${name}: ${textOf(text)} is wider than what it stands on`);
      }
      const ratio = contrast(parse(getComputedStyle(text).fill), ground.colour);
      if (ratio < 4.5) say(`${name}: ${textOf(text)} has a contrast of ${ratio.toFixed(1)}`);
    });
    for (const line of svg.querySelectorAll('polyline')) {
      const box = line.getBBox();
      if (box.width <= 0 && box.height <= 0) say(`${name}: a line has no length`);
      if (contrast(parse(getComputedStyle(line).stroke), groundOf(svg)) < 3) {
        say(`${name}: a line is too pale`);
      }
    }
  }

  // --- The page.
  const root = document.documentElement;
  if (root.scrollWidth > window.innerWidth) {
    say(`the page is ${root.scrollWidth} wide on a screen of ${window.innerWidth}`);
  }
  for (const element of document.querySelectorAll('body *')) {
    if (element.closest('svg, .scroll') !== null) continue;
    const box = element.getBoundingClientRect();
    if (box.width > 0 && (box.right > window.innerWidth + 0.5 || box.left < -0.5)) {
      say(`<${element.tagName}> ${textOf(element)} leaves the screen`);
    }
    const own = [...element.childNodes].some(
        (node) => node.nodeType === Node.TEXT_NODE && node.data.trim() !== '');
    if (own) {
      const ratio = contrast(parse(getComputedStyle(element).color), groundOf(element));
      if (ratio < 4.5) say(`${textOf(element)} has a contrast of ${ratio.toFixed(1)}`);
    }
  }
  const cells = [...document.querySelectorAll('th, td')];
  for (const cell of cells) {
    if (cell.scrollWidth > cell.clientWidth + 1) say(`${textOf(cell)} is wider than its cell`);
    const ratio = contrast(parse(getComputedStyle(cell).color), groundOf(cell));
    if (ratio < 4.5) say(`${textOf(cell)} has a contrast of ${ratio.toFixed(1)}`);
  }
  const tables = [...document.querySelectorAll('table')].map(
      (table) => Math.ceil(table.getBoundingClientRect().width));
  return {faults, tables, plots: plots.length, texts: texts_seen, scripts: document.scripts.length,
          headline: (document.querySelector('.headline') || {textContent: ''}).textContent,
          ground: light(groundOf(document.body)), height: root.scrollHeight};
})()
