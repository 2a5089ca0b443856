"use strict";
const runs = [...document.querySelectorAll(".run")];
// The run that keys are for: the one that somebody is in, or else the first that is in sight.
const chosen = () =>
  document.activeElement?.closest(".run") ?? runs.find((run) => run.getBoundingClientRect().bottom > innerHeight / 4);
for (const run of runs) {
  const steps = [...run.querySelectorAll("article")];
  const marks = [...run.querySelectorAll(".timeline a")];
  if (!steps.length) continue;
  let shown = -1;
  const moves = document.createElement("div");
  moves.className = "moves";
  const button = (label, by) => {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = label;
    made.onclick = () => show(shown + by, "replace");
    moves.append(made);
    return made;
  };
  const back = button("Previous step", -1);
  const forth = button("Next step", 1);
  const hint = document.createElement("span");
  hint.textContent = "Keys: left and right, home and end";
  moves.append(hint);
  const show = (index, history) => {
    if (index < 0 || index >= steps.length || index === shown) return;
    shown = index;
    steps.forEach((step, each) => step.classList.toggle("shown", each === index));
    marks.forEach((mark, each) => {
      if (each === index) mark.setAttribute("aria-current", "step");
      else mark.removeAttribute("aria-current");
    });
    back.disabled = index === 0;
    forth.disabled = index === steps.length - 1;
    if (history === "replace") window.history.replaceState(null, "", "#" + steps[index].id);
    if (marks[index]) {
      const line = marks[index].closest("ol");
      const mark = marks[index].getBoundingClientRect();
      const seen = line.getBoundingClientRect();
      if (mark.top < seen.top || mark.bottom > seen.bottom) line.scrollTop += mark.top - seen.top - seen.height / 2;
      if (mark.left < seen.left || mark.right > seen.right) line.scrollLeft += mark.left - seen.left - seen.width / 2;
    }
  };
  const named = () => steps.findIndex((step) => "#" + step.id === location.hash);
  run.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#']");
    const index = link ? steps.findIndex((step) => "#" + step.id === link.getAttribute("href")) : -1;
    if (index >= 0) show(index, "keep");
  });
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.target.closest("input, select, textarea, .scroll")) return;
    if (run !== chosen()) return;
    const to = { ArrowLeft: shown - 1, ArrowRight: shown + 1, Home: 0, End: steps.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    show(to, "replace");
  });
  addEventListener("hashchange", () => show(named(), "keep"));
  run.classList.add("stepped");
  run.querySelector(".steps").prepend(moves);
  const wrong = marks.findIndex((mark) => !mark.classList.contains("pass"));
  const pictured = steps.findIndex((step) => step.querySelector("figure"));
  show([named(), wrong, pictured, 0].find((index) => index >= 0), "keep");
}
for (const table of document.querySelectorAll("table.cases")) {
  table.querySelectorAll("thead th").forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.onclick = () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      table.querySelectorAll("thead th").forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const key = (row) => row.cells[column].dataset.sort ?? row.cells[column].textContent;
      const compare = (one, other) => key(one).localeCompare(key(other), "en", { numeric: true }) * (up ? 1 : -1);
      const body = table.tBodies[0];
      body.append(...[...body.rows].sort(compare));
    };
  });
}
