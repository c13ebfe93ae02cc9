// Moves beliefs in the reader's browser: the calculation of churnsim.decisions.information.moved_beliefs.
"use strict";
(() => {
  const LEVEL = 0.95;

  function product(polynomials, z) {
    let found = 1;
    for (const [number, degree] of polynomials) {
      const x = z[number];
      found *= degree === 1 ? x : degree === 2 ? (x * x - 1) / Math.SQRT2 : (x * x * x - 3 * x) / Math.sqrt(6);
    }
    return found;
  }

  // What the regression says the gains of an option differ by, replication by replication.
  function change(draws, option, moves) {
    const { scores, terms } = draws;
    const low = draws.low ??= scores[0].map((_, j) => Math.min(...scores.map((z) => z[j])));
    const high = draws.high ??= scores[0].map((_, j) => Math.max(...scores.map((z) => z[j])));
    return scores.map((z) => {
      const to = z.slice();
      for (const [number, [shift, spread]] of Object.entries(moves)) to[number] = shift + spread * z[number];
      for (let j = 0; j < to.length; j++) to[j] = Math.min(Math.max(to[j], low[j]), high[j]);
      let found = 0;
      for (const [coefficient, polynomials] of terms[option]) {
        found += coefficient * (product(polynomials, to) - product(polynomials, z));
      }
      return found;
    });
  }

  function weighted(draws, moves) {
    const n = draws.scores.length;
    if (Object.values(moves).some(([, spread]) => spread === 0)) return { weights: Array(n).fill(1 / n), effective: 0 };
    const logs = draws.scores.map((z) => {
      let found = 0;
      for (const [number, [shift, spread]] of Object.entries(moves)) {
        found += (z[number] ** 2 - ((z[number] - shift) / spread) ** 2) / 2;
      }
      return found;
    });
    const most = Math.max(...logs);
    const raw = logs.map((log) => Math.exp(log - most));
    const sum = raw.reduce((a, b) => a + b, 0);
    const weights = raw.map((w) => w / sum);
    return { weights, effective: 1 / weights.reduce((a, w) => a + w * w, 0) };
  }

  function quantile(values, weights, probability) {
    const order = values.map((_, k) => k).sort((a, b) => values[a] - values[b] || a - b);
    const n = 1 / weights.reduce((a, w) => a + w * w, 0);
    let sum = 0;
    let before = 0;
    let last = order[0];
    for (const k of order) {
      const place = (n * (sum + weights[k] / 2) + 0.5) / (n + 1);
      if (place >= probability) {
        const share = k === last ? 0 : (probability - before) / (place - before);
        return values[last] + share * (values[k] - values[last]);
      }
      sum += weights[k];
      before = place;
      last = k;
    }
    return values[last];
  }

  function at(draws, moves) {
    const n = draws.scores.length;
    let { weights, effective } = weighted(draws, moves);
    const exact = effective >= draws.least || Object.keys(moves).length === 0;
    let gains = draws.gains;
    if (!exact) {
      weights = Array(n).fill(1 / n);
      gains = gains.map((gain, option) => {
        const by = change(draws, option, moves);
        return gain.map((x, k) => x + by[k]);
      });
    }
    const chances = Array(gains.length + 1).fill(0);
    for (let k = 0; k < n; k++) {
      let best = 0;
      let most = 0;
      gains.forEach((gain, option) => {
        if (gain[k] > most) [best, most] = [option + 1, gain[k]];
      });
      chances[best] += weights[k];
    }
    const options = gains.map((gain, option) => ({
      mean: gain.reduce((a, x, k) => a + weights[k] * x, 0),
      lower: quantile(gain, weights, (1 - LEVEL) / 2),
      upper: quantile(gain, weights, (1 + LEVEL) / 2),
      chance: chances[option + 1],
    }));
    return { options, nothing: chances[0], effective, weighted: exact };
  }

  function breakEven(draws, number, option, moves) {
    let before = 0;
    for (let place = 0; place < draws.grid.length; place++) {
      const score = draws.grid[place];
      const by = change(draws, option, { ...moves, [number]: [score, 0] });
      const mean = draws.gains[option].reduce((a, x, k) => a + x + by[k], 0) / draws.scores.length;
      if (place && before * mean <= 0 && before !== mean) {
        return score - ((draws.grid[1] - draws.grid[0]) * mean) / (mean - before);
      }
      before = mean;
    }
    return null;
  }

  if (typeof module !== "undefined") {
    module.exports = { at, breakEven };
    return;
  }

  const room = document.getElementById("moved-beliefs");
  const draws = JSON.parse(document.getElementById("moved-beliefs-data").textContent);
  const { words } = draws;
  const sliders = [...room.querySelectorAll("input[type=range]")];
  const sure = [...room.querySelectorAll("select")];

  function figure(x, decimals) {
    const [whole, part] = Math.abs(x).toFixed(decimals).split(".");
    return whole.replace(/\B(?=(\d{3})+$)/g, words.thousands) + (part ? words.decimal + part : "");
  }
  // What stands together is rounded alike, by the largest.
  function money(x, sign, largest = Math.abs(x), decimals = 2) {
    const text = figure(x, largest >= 999.5 ? 0 : decimals);
    const mark = !/[1-9]/.test(text) ? "" : x < 0 ? "−" : sign ? "+" : "";
    return mark + words.before + text + words.after;
  }
  const percent = (x) => `${figure(100 * x, 0)}${words.percent}`;
  // Decimals that give so many significant digits.
  function digits(x, many) {
    return x === 0 ? 0 : Math.min(6, Math.max(0, many - 1 - Math.floor(Math.log10(Math.abs(x)))));
  }
  // The number at a score between two places of the slider.
  function told(number, score) {
    const place = (score - draws.grid[0]) / (draws.grid[1] - draws.grid[0]);
    const from = Math.min(Math.max(Math.floor(place), 0), draws.grid.length - 2);
    const values = number.values;
    const x = values[from] + (place - from) * (values[from + 1] - values[from]);
    if (number.kind === "share") return `${figure(100 * x, Math.max(1, digits(100 * x, 2)))}${words.percent}`;
    if (number.kind === "money") return money(x, false, Math.abs(x), Math.max(2, digits(x, 2)));
    return figure(x, digits(x, 3));
  }
  const filled = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

  function show() {
    const moves = {};
    const middle = (draws.grid.length - 1) / 2;
    sliders.forEach((slider, j) => {
      const place = Number(slider.value);
      const spread = Number(sure[j].value);
      const text = told(draws.numbers[j], draws.grid[place]);
      room.querySelector(`output[for=${slider.id}]`).textContent = text;
      slider.setAttribute("aria-valuetext", text);
      if (place !== middle || spread !== 1) moves[j] = [draws.grid[place], spread];
    });
    const found = at(draws, moves);
    const rows = [...room.querySelectorAll("tbody tr")];
    const largest = Math.max(draws.largest, ...found.options.map((option) => Math.abs(option.mean)));
    found.options.forEach((option, d) => {
      const cells = rows[d].querySelectorAll("td span");
      cells[0].textContent = money(option.mean, true, largest);
      const ends = [option.lower, option.upper].map((end) => money(end, true, largest));
      cells[1].textContent = ends.join(` ${words.joint} `);
      cells[2].textContent = percent(option.chance);
    });
    rows[rows.length - 1].querySelectorAll("td span")[2].textContent = percent(found.nothing);
    const counts = { effective: figure(found.effective, 0), all: figure(draws.scores.length, 0) };
    room.querySelector(".moved-how").textContent = filled(found.weighted ? words.weighted : words.regression, counts);
    const best = found.options.reduce((a, option, d) => (option.mean > found.options[a].mean ? d : a), 0);
    const evens = [...room.querySelectorAll(".moved-even li")];
    draws.numbers.forEach((number, j) => {
      const score = breakEven(draws, j, best, moves);
      const said = { strategy: draws.options[best], number: number.title, low: told(number, draws.grid[0]) };
      said.high = told(number, draws.grid[draws.grid.length - 1]);
      said.at = score === null ? "" : told(number, score);
      evens[j].textContent = filled(score === null ? words.never : words.even, said);
    });
  }

  for (const control of [...sliders, ...sure]) control.addEventListener("input", show);
  room.querySelector("button").addEventListener("click", () => {
    sliders.forEach((slider) => { slider.value = (draws.grid.length - 1) / 2; });
    sure.forEach((choice) => { choice.value = "1"; });
    show();
  });
  for (const part of document.querySelectorAll("[data-scripted]")) part.hidden = false;
  show();
})();
