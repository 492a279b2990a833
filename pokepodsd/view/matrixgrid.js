"use strict";
// The data that matrixdata.py encoded, and the drawing of them on a canvas.

class Cells {
  // Everything is decoded when it is asked for: a page of 250,000 cells is ready at once.
  constructor(data) {
    this.data = data;
    this.size = data.nodes.length;
    this.codes = new Uint8Array(this.size * this.size);
    for (let row = 0; row < this.size; row++) {
      const text = data.states[row];
      for (let column = 0; column < this.size; column++) {
        this.codes[row * this.size + column] = text.charCodeAt(text.length > 1 ? column : 0) - 48;
      }
    }
    this.digits = new Map([...ALPHABET].map((one, value) => [one, value]));
    this.isFailing = data.looks.map((look) => look[4]);
    this.isVerdict = data.looks.map((look) => look[5]);
  }

  code(row, column) { return this.codes[row * this.size + column]; }

  look(row, column) {
    const [key, letter, words, meaning, isFailing, isVerdict] = this.data.looks[this.code(row, column)];
    return { key, letter, words, meaning, isFailing, isVerdict };
  }

  number(field, row, column, width) {
    const text = this.data[field][row];
    const start = text.length > width ? column * width : 0;
    let value = 0;
    for (const one of text.slice(start, start + width)) value = value * 85 + this.digits.get(one);
    return value;
  }

  duration(field, row, column) {
    const value = this.number(field, row, column, 2);
    if (value === 0) return "";
    if (value === 1) return "0 ms";
    const power = Math.floor((value - 2) / 900) - 6;
    const mantissa = (value - 2) % 900 + 100;
    const shift = power >= 0 ? 0 : 3;
    return (mantissa * 10 ** (power + shift - 2)).toFixed(Math.max(0, 2 - power - shift)) + (shift ? " ms" : " s");
  }

  since(row, column) {
    const value = this.number("since", row, column, 3) - 1;
    if (value < 0) return "";
    let age = value;
    let digits = 19;
    if (value >= 459200) { age = 259200 + 12000000 + (value - 459200) * 3600; digits = 13; }
    else if (value >= 259200) { age = 259200 + (value - 259200) * 60; digits = 16; }
    const text = clock(this.data.at - age).slice(0, digits);
    return `${text}${digits === 13 ? "h" : ""} UTC (${span(age)} before this picture)`;
  }

  text(row, column) {
    const number = this.number("text", row, column, 2);
    return number ? this.data.texts[number - 1] : "";
  }

  isOneWay(row, column) {
    const back = this.code(column, row);
    return this.isFailing[this.code(row, column)] && this.isVerdict[back] && !this.isFailing[back];
  }
}

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%()*+,-./:;=?@[]^_{";

function clock(seconds) { return new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " "); }

function span(seconds) {
  for (const [least, size, name] of [[172800, 86400, "d"], [7200, 3600, "h"], [120, 60, "min"]]) {
    if (seconds >= least) return `${Math.floor(seconds / size)} ${name}`;
  }
  return `${Math.max(0, Math.floor(seconds))} s`;
}

class Drawing {
  // Draws what of the matrix is in view: rows and columns are lists of nodes.
  constructor(cells, grid, canvas, sizer) {
    Object.assign(this, { cells, grid, canvas, sizer });
    this.context = canvas.getContext("2d");
    this.rows = [];
    this.columns = [];
    this.cell = 10;
    this.hover = null;
    this.font = 'system-ui, "DejaVu Sans", Verdana, sans-serif';
    this.readColours();
    this.context.font = `12px ${this.font}`;
    const widest = Math.max(0, ...cells.data.nodes.map((node) => this.context.measureText(node[1]).width));
    this.gutter = Math.ceil(Math.min(190, Math.max(40, widest + 16)));
  }

  readColours() {
    const style = getComputedStyle(document.documentElement);
    const read = (name) => style.getPropertyValue(`--${name}`).trim();
    this.colours = {};
    for (const name of ["page", "text", "faint", "line", "halo", "accent", "bad", "panel"]) this.colours[name] = read(name);
    this.fills = this.cells.data.looks.map((look) => read(look[0]));
    this.inks = this.cells.data.looks.map((look) => read(`${look[0]}-ink`));
    this.patterns = this.cells.data.looks.map((look, code) => this.pattern(look[0], code));
  }

  pattern(key, code) {
    if (key !== "missing" && key !== "unknown") return null;
    const tile = document.createElement("canvas");
    tile.width = tile.height = 6;
    const context = tile.getContext("2d");
    context.fillStyle = this.fills[code];
    context.fillRect(0, 0, 6, 6);
    context.fillStyle = context.strokeStyle = this.inks[code];
    if (key === "unknown") context.fillRect(2, 2, 1, 1);
    else {
      context.beginPath();
      for (const shift of [-6, 0, 6]) { context.moveTo(shift, 6); context.lineTo(shift + 6, 0); }
      context.stroke();
    }
    return this.context.createPattern(tile, "repeat");
  }

  // The largest cells with which all columns are in view.
  fit() {
    const room = this.grid.parentElement.clientWidth - this.gutter - 20;
    const count = Math.max(1, this.columns.length);
    this.zoom(Math.min(count > 12 ? 26 : 44, Math.floor(room / count)));
  }

  zoom(cell) {
    this.cell = Math.max(2, Math.min(64, cell));
    this.layOut();
  }

  show(rows, columns) {
    this.rows = rows;
    this.columns = columns;
    this.layOut();
  }

  layOut() {
    const width = this.gutter + this.columns.length * this.cell + 2;
    const height = this.gutter + this.rows.length * this.cell + 2;
    this.sizer.style.width = `${width}px`;
    this.sizer.style.height = `${height}px`;
    const limit = Math.max(352, innerHeight - 128);
    this.width = Math.min(width, this.grid.parentElement.clientWidth - 2);
    this.height = Math.min(height, limit);
    if (width > this.width) this.height = Math.min(height + 15, limit) - 15;
    if (height > this.height) this.width = Math.min(width + 15, this.grid.parentElement.clientWidth - 2) - 15;
    const ratio = devicePixelRatio || 1;
    this.canvas.style.width = `${this.width}px`;
    this.canvas.style.height = `${this.height}px`;
    this.canvas.width = Math.round(this.width * ratio);
    this.canvas.height = Math.round(this.height * ratio);
    this.draw();
  }

  // Where a cell is in the scrolled content.
  place(row, column) {
    return { x: this.gutter + column * this.cell, y: this.gutter + row * this.cell };
  }

  // The row and column under a point of the canvas; -1 is a heading.
  at(x, y) {
    const column = x < this.gutter ? -1 : Math.floor((x - this.gutter + this.grid.scrollLeft) / this.cell);
    const row = y < this.gutter ? -1 : Math.floor((y - this.gutter + this.grid.scrollTop) / this.cell);
    if (row >= this.rows.length || column >= this.columns.length || (row < 0 && column < 0)) return null;
    return { row, column };
  }

  draw() {
    const { context, grid, cell, gutter } = this;
    const ratio = devicePixelRatio || 1;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = this.colours.page;
    context.fillRect(0, 0, this.width, this.height);
    const view = {
      left: gutter - grid.scrollLeft, top: gutter - grid.scrollTop,
      row: Math.floor(grid.scrollTop / cell), column: Math.floor(grid.scrollLeft / cell),
    };
    view.lastRow = Math.min(this.rows.length, view.row + Math.ceil((this.height - gutter) / cell) + 1);
    view.lastColumn = Math.min(this.columns.length, view.column + Math.ceil((this.width - gutter) / cell) + 1);
    context.save();
    context.beginPath();
    context.rect(gutter, gutter, this.width - gutter, this.height - gutter);
    context.clip();
    this.drawRuns(view);
    this.drawFailing(view);
    if (cell >= 12) this.drawLetters(view);
    this.drawHover(view);
    context.restore();
    this.drawLabels(view);
  }

  drawRuns(view) {
    const { context, cell, cells } = this;
    const gap = cell >= 6 ? 1 : 0;
    for (let row = view.row; row < view.lastRow; row++) {
      const y = view.top + row * cell;
      for (let column = view.column; column < view.lastColumn;) {
        const code = cells.code(this.rows[row], this.columns[column]);
        let end = column + 1;
        if (!gap) while (end < view.lastColumn && cells.code(this.rows[row], this.columns[end]) === code) end++;
        context.fillStyle = this.patterns[code] || this.fills[code];
        context.fillRect(view.left + column * cell, y, (end - column) * cell - gap, cell - gap);
        column = end;
      }
    }
  }

  // Over the rest, and never smaller than can be seen.
  drawFailing(view) {
    const { context, cell, cells } = this;
    const grown = Math.max(0, (5 - cell) / 2);
    const notes = [];
    for (let row = view.row; row < view.lastRow; row++) {
      for (let column = view.column; column < view.lastColumn; column++) {
        const poker = this.rows[row];
        const poked = this.columns[column];
        const code = cells.code(poker, poked);
        if (!cells.isFailing[code]) continue;
        const x = view.left + column * cell;
        const y = view.top + row * cell;
        if (grown) {
          context.fillStyle = this.fills[code];
          context.fillRect(x - grown, y - grown, cell + 2 * grown, cell + 2 * grown);
        }
        if (cells.isOneWay(poker, poked)) notes.push([x, y]);
      }
    }
    context.fillStyle = this.colours.halo;
    context.strokeStyle = this.colours.text;
    context.lineWidth = 0.8;
    for (const [x, y] of notes) {
      if (cell < 5) continue;
      if (cell < 10) { context.fillRect(x + cell / 2 - 1.5, y + cell / 2 - 1.5, 2, 2); continue; }
      const leg = cell * 0.42;
      context.beginPath();
      context.moveTo(x + cell - 1 - leg, y);
      context.lineTo(x + cell - 1, y);
      context.lineTo(x + cell - 1, y + leg);
      context.closePath();
      context.fill();
      context.stroke();
    }
  }

  drawLetters(view) {
    const { context, cell, cells } = this;
    context.font = `bold ${Math.min(20, Math.round(cell * 0.6))}px ${this.font}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    for (let row = view.row; row < view.lastRow; row++) {
      for (let column = view.column; column < view.lastColumn; column++) {
        const code = cells.code(this.rows[row], this.columns[column]);
        const [key, letter] = cells.data.looks[code];
        if (key === "itself" || key === "missing") continue;
        context.fillStyle = this.inks[code];
        context.fillText(letter, view.left + (column + 0.5) * cell - 0.5, view.top + (row + 0.5) * cell);
      }
    }
  }

  drawHover(view) {
    if (!this.hover) return;
    const { context, cell } = this;
    const { row, column } = this.hover;
    context.strokeStyle = this.colours.accent;
    context.lineWidth = 1;
    if (row >= 0) context.strokeRect(0.5, view.top + row * cell - 1, this.width + 2, cell + 1);
    if (column >= 0) context.strokeRect(view.left + column * cell - 1, 0.5, cell + 1, this.height + 2);
  }

  drawLabels(view) {
    const { context, gutter, colours } = this;
    context.fillStyle = colours.page;
    context.fillRect(0, 0, gutter, gutter);
    context.fillStyle = colours.faint;
    context.font = `11px ${this.font}`;
    context.textAlign = "right";
    context.textBaseline = "alphabetic";
    if (gutter > 96) {
      context.fillText("pokes ↓", gutter - 6, gutter - 7);
      context.save();
      context.translate(gutter - 7, gutter - 22);
      context.rotate(-Math.PI / 2);
      context.textAlign = "left";
      context.fillText("is poked →", 0, 0);
      context.restore();
    }
    const size = Math.min(13, Math.max(11, this.cell));
    const spots = (list, first, last, start) => this.spots(list, first, last, start, size + 1);
    for (const [node, middle, isHover] of spots(this.rows, view.row, view.lastRow, view.top)) {
      if (middle > gutter) this.label(node, gutter - 6, middle, size, isHover && this.hover.row >= 0);
    }
    for (const [node, middle] of spots(this.columns, view.column, view.lastColumn, view.left)) {
      if (middle <= gutter) continue;
      context.save();
      context.translate(middle, gutter - 6);
      context.rotate(-Math.PI / 2);
      this.label(node, 0, 0, size, false, "left");
      context.restore();
    }
    this.drawHoverLabels(view, size);
  }

  label(node, x, y, size, isBold, align = "right") {
    const { context, colours, cells } = this;
    const [, text, report] = cells.data.nodes[node];
    context.font = `${isBold || report !== "reporting" ? "bold " : ""}${size}px ${this.font}`;
    context.textAlign = align;
    context.textBaseline = "middle";
    context.fillStyle = report === "reporting" ? colours.text : report === "cut off" ? colours.bad : colours.faint;
    context.fillText(text, x, y, this.gutter - 10);
  }

  // Which names have room: all, else as many as do, in order.
  *spots(list, first, last, start, distance) {
    let free = -Infinity;
    for (let number = first; number < last; number++) {
      const middle = start + (number + 0.5) * this.cell;
      if (middle < free) continue;
      free = middle + (this.cell >= distance - 2 ? 0 : distance);
      yield [list[number], middle, false];
    }
  }

  // The names of the row and column that are pointed at, over the others.
  drawHoverLabels(view, size) {
    if (!this.hover) return;
    const { context, gutter, colours } = this;
    const half = size / 2 + 3;
    const box = (x, y, width, height) => {
      context.fillStyle = colours.panel;
      context.strokeStyle = colours.accent;
      context.lineWidth = 1;
      context.fillRect(x, y, width, height);
      context.strokeRect(x + 0.5, y + 0.5, width - 1, height - 1);
    };
    if (this.hover.row >= 0) {
      const middle = view.top + (this.hover.row + 0.5) * this.cell;
      if (middle > gutter) {
        box(0, middle - half, gutter - 1, 2 * half);
        this.label(this.rows[this.hover.row], gutter - 6, middle, size, true);
      }
    }
    if (this.hover.column >= 0) {
      const middle = view.left + (this.hover.column + 0.5) * this.cell;
      if (middle > gutter) {
        box(middle - half, 0, 2 * half, gutter - 1);
        context.save();
        context.translate(middle, gutter - 6);
        context.rotate(-Math.PI / 2);
        this.label(this.columns[this.hover.column], 0, 0, size, true, "left");
        context.restore();
      }
    }
  }
}
