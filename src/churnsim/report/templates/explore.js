// Builds the controls of a live page from its data, asks its server to simulate what they say, and shows what comes.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const { words, mechanisms } = data;
  const at = (id) => document.getElementById(id);
  let strategies = [];
  let latest = 0;
  let timer = 0;
  let counter = 0;

  function made(tag, properties = {}, ...inside) {
    const found = Object.assign(document.createElement(tag), properties);
    found.append(...inside);
    return found;
  }

  function labelled(text, control) {
    control.id = `control-${counter++}`;
    return made("label", { htmlFor: control.id }, `${text} `, control);
  }

  function tick(text, control) {
    const found = labelled("", control);
    found.className = "tick";
    found.replaceChildren(control, made("span", { textContent: text, dir: "auto" }));
    return found;
  }

  // A setting of a mechanism: what it is now in `settings`, which a change is written into.
  function settingOf(about, settings) {
    const value = settings[about.key];
    if (about.kind === "flag") {
      const box = made("input", { type: "checkbox", checked: value === true });
      box.addEventListener("change", () => { settings[about.key] = box.checked; changed(); });
      return tick(about.title, box);
    }
    if (about.kind === "choice") {
      const choice = made("select", {}, made("option", { value: "", textContent: "" }));
      for (const option of about.choices) choice.append(made("option", { value: option, textContent: option }));
      choice.value = value ?? "";
      choice.addEventListener("change", () => { settings[about.key] = choice.value || null; changed(); });
      return labelled(about.title, choice);
    }
    const number = about.kind !== "text";
    const input = made("input", { type: number ? "number" : "text", value: value ?? "", autocomplete: "off" });
    if (number) Object.assign(input, { step: about.kind === "whole" ? "1" : "any", min: about.least ?? "", max: about.most ?? "" });
    input.addEventListener("change", () => {
      const text = input.value.trim();
      settings[about.key] = text === "" ? null : number ? Number(text) : text;
      if (input.checkValidity()) changed();
    });
    return labelled(about.title, input);
  }

  function partOf(strategy, name) {
    const about = mechanisms[name];
    const part = strategy.parts[name];
    const room = made("fieldset", { className: "part" }, made("legend", { textContent: about.title, dir: "auto" }));
    const box = made("input", { type: "checkbox", checked: part.on });
    const settings = made("div", { hidden: !part.on });
    box.addEventListener("change", () => { part.on = box.checked; settings.hidden = !box.checked; changed(); });
    for (const setting of about.settings) {
      // Of what is not said only the numbers that were: the others keep their defaults.
      if (setting.key in part.settings) settings.append(settingOf(setting, part.settings));
    }
    room.append(tick(words.part_on, box), settings);
    return room;
  }

  function showStrategies() {
    const list = at("strategy-list");
    list.replaceChildren();
    for (const strategy of strategies) {
      const card = made("fieldset", { className: "card" }, made("legend", { textContent: strategy.title, dir: "auto" }));
      if (strategy.fixed) {
        card.append(made("p", { className: "note", textContent: words.against }));
      } else {
        const box = made("input", { type: "checkbox", checked: strategy.on });
        box.addEventListener("change", () => { strategy.on = box.checked; changed(); });
        card.append(tick(words.on, box));
      }
      for (const name of Object.keys(strategy.parts)) if (mechanisms[name]) card.append(partOf(strategy, name));
      card.dataset.name = strategy.name;
      list.append(card);
    }
    const to = at("add-to");
    to.replaceChildren(made("option", { value: "", textContent: words.new_strategy }));
    for (const strategy of strategies) to.append(made("option", { value: strategy.name, textContent: strategy.title }));
  }

  function showNumbers() {
    const list = at("number-list");
    list.replaceChildren();
    const more = made("details", {}, made("summary", { textContent: words.more_beliefs }));
    data.numbers.forEach((number, place) => {
      const card = made("fieldset", { className: "card" }, made("legend", { textContent: number.title, dir: "auto" }));
      const inputs = {};
      const triple = made("div", { className: "triple" });
      for (const key of ["value", "low", "high"]) {
        const input = made("input", { type: "number", step: "any", value: number.shown[key] ?? "", autocomplete: "off" });
        Object.assign(input, { min: number.least ?? "", max: number.most ?? "" });
        inputs[key] = input;
        input.addEventListener("change", () => {
          number.now = {};
          for (const [name, control] of Object.entries(inputs)) {
            const text = control.value.trim();
            if (text !== (number.shown[name] ?? "")) number.now[name] = text === "" ? null : Number(text);
          }
          card.classList.toggle("changed", Object.keys(number.now).length > 0);
          if (input.checkValidity()) changed();
        });
        triple.append(labelled(words[key], input));
      }
      number.now = {};
      card.dataset.address = number.address;
      card.append(made("p", { className: "note", textContent: number.unit, dir: "auto" }), triple);
      card.append(made("p", { className: "note", textContent: number.stated, dir: "auto" }));
      (place < data.shown ? list : more).append(card);
    });
    if (data.numbers.length > data.shown) list.append(more);
  }

  // What the controls say, as the server takes it. Numbers that are left alone are the run's own, to the last digit.
  function change() {
    const numbers = {};
    for (const { address, value, low, high, now } of data.numbers) {
      if (!Object.keys(now).length) continue;
      numbers[address] = { value: now.value ?? value };
      if ("low" in now || "high" in now) {
        Object.assign(numbers[address], { low: now.low ?? low, high: now.high ?? high });
      }
    }
    return {
      strategies: strategies.filter((strategy) => strategy.on).map(({ name, title, parts }) => ({
        name, title,
        mechanisms: Object.fromEntries(
          Object.entries(parts).filter(([, part]) => part.on).map(([key, part]) => [key, part.settings]),
        ),
      })),
      numbers,
    };
  }

  async function ask(what, content) {
    const request = content === undefined ? {} : {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(content),
    };
    try {
      const answer = await fetch(what, request);
      return answer.headers.get("Content-Type").startsWith("application/json") ? await answer.json() : { error: words.lost };
    } catch {
      return { error: words.lost };
    }
  }

  function tell(text, failed) {
    at("told").textContent = text;
    at("told").classList.toggle("failed", failed);
  }

  function changed() {
    clearTimeout(timer);
    timer = setTimeout(simulate, 250);
  }

  async function simulate() {
    at("found").classList.add("stale");
    const { number, error } = await ask("simulate", change());
    if (error) return tell(error, true);
    latest = number;
    return follow(number);
  }

  // Shows how far a request has come until it is done or a newer one is asked for.
  async function follow(number) {
    while (number === latest) {
      const state = await ask("state");
      if (state.error) return tell(state.error, true);
      if (number !== latest) return null;
      if (state.number > number) return tell(words.elsewhere, true);
      if (state.number === number) {
        tell(state.told, state.failed);
        at("step").querySelector("span").textContent = state.step;
        Object.assign(at("progress"), { hidden: !state.step, max: state.total || 1, value: state.done });
        if (state.results && state.results !== at("found").shown) {
          at("found").innerHTML = state.results;
          at("found").shown = state.results;
        }
        if (state.results) at("found").classList.remove("stale");
        at("results").dataset.final = state.final ? number : "";
        if (state.final) return null;
      }
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    return null;
  }

  function begin() {
    strategies = data.strategies.map(({ name, title, fixed, mechanisms: own }) => ({
      name, title, fixed, on: true,
      parts: Object.fromEntries(Object.entries(own).map(([key, settings]) => [key, { on: true, settings: { ...settings } }])),
    }));
    showStrategies();
    showNumbers();
  }

  at("add").addEventListener("submit", (event) => {
    event.preventDefault();
    const name = at("programme").value;
    let strategy = strategies.find((one) => one.name === at("add-to").value);
    if (!strategy) {
      let slug = name.replaceAll("_", "-");
      for (let n = 2; strategies.some((one) => one.name === slug); n++) slug = `${name.replaceAll("_", "-")}-${n}`;
      strategy = { name: slug, title: mechanisms[name].title, fixed: false, on: true, parts: {} };
      strategies.push(strategy);
      for (const [part, settings] of Object.entries(mechanisms[name].start)) strategy.parts[part] = { on: true, settings: { ...settings } };
    }
    strategy.parts[name] = { on: true, settings: { ...mechanisms[name].start[name] } };
    showStrategies();
    changed();
  });
  at("reset").addEventListener("click", () => { begin(); changed(); });
  at("save").addEventListener("submit", async (event) => {
    event.preventDefault();
    const found = await ask("save", { name: at("save-name").value, change: change() });
    at("saved").textContent = found.error ?? words.saved.replace("{path}", found.path);
    at("saved-text").hidden = !found.text;
    at("saved-text").querySelector("pre").textContent = found.text ?? "";
  });
  for (const [name, { title }] of Object.entries(mechanisms)) at("programme").append(made("option", { value: name, textContent: title }));
  begin();
  // What was asked for before the page was loaded anew is of no use: its controls are the run's.
  ask("state").then(({ number }) => (number ? simulate() : follow(0)));
})();
