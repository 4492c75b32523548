"use strict";
// Sorting, filtering and unfolding. Without scripts, none of these controls is there, and all else is.
(() => {
  const collator = new Intl.Collator("en", { numeric: true });

  const make = (name, properties) => Object.assign(document.createElement(name), properties);

  function compare(a, b) {
    if (a.number !== null && b.number !== null) return a.number - b.number;
    return collator.compare(a.text, b.text);
  }

  function valueOf(row, column) {
    const cell = row.cells[column];
    const number = cell.dataset.value === undefined ? null : Number(cell.dataset.value);
    const text = cell.textContent.trim();
    return { number, text, missing: number === null && text === "–" };
  }

  function sort(table, column, descending) {
    const rows = [...table.tBodies[0].rows].map((row) => ({ row, value: valueOf(row, column) }));
    rows.sort((a, b) =>
      a.value.missing || b.value.missing
        ? a.value.missing - b.value.missing // What is not known stays last.
        : (descending ? -1 : 1) * compare(a.value, b.value),
    );
    table.tBodies[0].append(...rows.map(({ row }) => row));
  }

  for (const table of document.querySelectorAll("table.sorted")) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const button = make("button", { type: "button", textContent: head.textContent });
      // The whole cell sorts. A click on the button, or a key pressed on it, comes up to the cell.
      head.classList.add("sorts");
      head.addEventListener("click", () => {
        const first = head.dataset.first ?? "ascending";
        const descending = (head.getAttribute("aria-sort") === first) !== (first === "descending");
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", descending ? "descending" : "ascending");
        sort(table, column, descending);
      });
      head.replaceChildren(button);
    });
  }

  for (const table of document.querySelectorAll("table.filtered")) {
    const rows = [...table.tBodies[0].rows];
    const statuses = [...new Set(rows.map((row) => row.dataset.status))];
    const text = make("input", { type: "search", placeholder: "part of a name" });
    const status = make("select");
    const warned = make("input", { type: "checkbox" });
    const warnings = rows.filter((row) => row.dataset.warnings !== "0").length;
    const shown = make("output");
    status.append(make("option", { value: "", textContent: "any" }));
    for (const name of statuses) {
      const count = rows.filter((row) => row.dataset.status === name).length;
      status.append(make("option", { value: name, textContent: `${name} (${count})` }));
    }
    function filter() {
      const wanted = text.value.trim().toLowerCase();
      let count = 0;
      for (const row of rows) {
        const name = row.cells[0].textContent.toLowerCase();
        row.hidden =
          !name.includes(wanted) ||
          (status.value !== "" && row.dataset.status !== status.value) ||
          (warned.checked && row.dataset.warnings === "0");
        document.getElementById(row.dataset.section).hidden = row.hidden;
        count += !row.hidden;
      }
      shown.textContent = `${count} of ${rows.length} tables`;
    }
    const controls = make("div", { className: "controls" });
    for (const [name, control] of [["Table", text], ["Status", status]]) {
      const label = make("label", { textContent: `${name} ` });
      label.append(control);
      controls.append(label);
      control.addEventListener("input", filter);
    }
    const only = make("label");
    only.append(warned, ` with warnings (${warnings})`);
    warned.addEventListener("input", filter);
    controls.append(only);
    for (const open of [true, false]) {
      const button = make("button", { type: "button", textContent: open ? "Unfold all" : "Fold all" });
      button.addEventListener("click", () => {
        for (const row of rows) document.getElementById(row.dataset.section).open = open;
      });
      controls.append(button);
    }
    controls.append(shown);
    table.parentElement.before(controls);
    filter();
  }

  function unfold(hash) {
    const target = document.getElementById(hash.slice(1));
    if (target instanceof HTMLDetailsElement) target.open = true;
  }
  unfold(location.hash);
  addEventListener("hashchange", () => unfold(location.hash));
  for (const link of document.querySelectorAll("tbody a")) link.addEventListener("click", () => unfold(link.hash));

  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open])")];
    folded.forEach((details) => (details.open = true));
  });
  addEventListener("afterprint", () => folded.forEach((details) => (details.open = false)));
})();
