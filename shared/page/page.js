"use strict";
(() => {
  const table = document.getElementById("sources");
  if (!table) return;
  const rows = [...table.tBodies[0].rows];
  const form = document.querySelector(".filter");
  const find = document.getElementById("find");
  const shown = document.getElementById("shown");
  const filter = () => {
    const text = find.value.trim().toLowerCase();
    const endings = new Set([...form.querySelectorAll("input:checked")].map((box) => box.value));
    let count = 0;
    for (const row of rows) {
      const fits = endings.has(row.dataset.ending) && row.textContent.toLowerCase().includes(text);
      row.hidden = !fits;
      if (fits) count++;
    }
    shown.textContent = count + " of " + rows.length + " shown";
  };
  form.hidden = false;
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  filter();
  const heads = [...table.tHead.rows[0].cells];
  const valueOf = (row, column, kind) => {
    const cell = row.cells[column];
    return kind === "number" ? Number(cell.dataset.value) : cell.textContent.trim().toLowerCase();
  };
  heads.forEach((head, column) => {
    const kind = head.dataset.sort;
    if (!kind) return;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const sorted = [...rows].sort((a, b) => {
        const x = valueOf(a, column, kind), y = valueOf(b, column, kind);
        return (x < y ? -1 : x > y ? 1 : 0) * (down ? -1 : 1);
      });
      table.tBodies[0].append(...sorted);
    });
  });
})();
