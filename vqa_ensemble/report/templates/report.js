"use strict";
(() => {
  // Asked now: no script is current any more once something has been waited for.
  const { nonce } = document.currentScript;

  // ------------------------------------------------------------------------ helpers

  const find = (selector) => document.querySelector(selector);

  /** An element with properties and children; text is only ever set as text. */
  function make(tag, properties = {}, ...children) {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children.filter((child) => child !== null));
    return element;
  }

  /** What a packed script tag holds, as text. */
  async function unpack(name) {
    const holder = document.getElementById(`packed-${name}`);
    const bytes = Uint8Array.from(atob(holder.textContent), (c) => c.charCodeAt(0));
    holder.remove();
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).text();
  }

  const percent = (perMille) => `${Math.round(perMille / 10)}\u00a0%`;
  const votes = (n) => (Number.isInteger(n) ? String(n) : n.toFixed(2));
  const TIES = {
    confidence: "larger summed confidence",
    count: "more frequent in the map",
    prior: "more frequent in the map",
    alphabetical: "first in the alphabet",
  };
  const tie = (rule) => (rule ? `, tied: ${TIES[rule]}` : "");

  /** A list of equal parts of a flat one. */
  function parts(flat, size) {
    const found = [];
    for (let i = 0; i < flat.length; i += size) found.push(flat.slice(i, i + size));
    return found;
  }

  // ---------------------------------------------------------------------- questions

  const PAGE = 50;
  const WRONG = 500;

  class Browser {
    constructor(data) {
      this.members = data.members;
      this.answers = data.answers;
      this.answerTypes = data.answerTypes;
      this.types = data.types;
      this.questions = data.questions.map((row) => {
        const question = {};
        data.fields.forEach((field, i) => { question[field] = row[i]; });
        return this.prepare(question);
      });
      this.page = 0;
      this.form = find("#filters");
      const used = [...new Set(this.questions.map((q) => q.type))].filter((t) => t >= 0);
      for (const type of used.sort((a, b) => this.types[a].localeCompare(this.types[b]))) {
        this.form.type.append(make("option", { value: type, textContent: this.types[type] }));
      }
      if (!used.length) this.form.type.parentElement.hidden = true;
      let waiting = 0;
      this.form.addEventListener("input", (event) => {
        clearTimeout(waiting);
        waiting = setTimeout(() => this.filter(), event.target.name === "text" ? 150 : 0);
      });
      this.form.addEventListener("submit", (event) => event.preventDefault());
      find("#pages").addEventListener("click", (event) => {
        const step = Number(event.target.dataset.step);
        if (step) {
          this.page += step;
          this.show();
          find("#count").scrollIntoView();
        }
      });
      this.filter();
    }

    /** What filters and lists ask of a question. */
    prepare(q) {
      const scores = new Map(parts(q.scores, 2));
      q.scoreOf = (answer) => scores.get(answer) ?? 0;
      q.score = q.scoreOf(q.answer);
      q.disagree = q.first.length > 3;
      q.changed = q.answer !== q.majority;
      q.wrong = q.score < WRONG;
      const said = new Set([q.answer, ...parts(q.first, 3).map(([answer]) => answer),
        ...parts(q.right, 2).map(([answer]) => answer)]);
      const words = [q.id, q.words, ...[...said].map((answer) => this.answers[answer])];
      q.text = words.join("\n").toLowerCase();
      return q;
    }

    filter() {
      const { text, type, disagree, changed, wrong } = this.form;
      const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
      this.found = this.questions.filter((q) =>
        (type.value === "" || q.type === Number(type.value)) &&
        (!disagree.checked || q.disagree) &&
        (!changed?.checked || q.changed) &&
        (!wrong.checked || q.wrong) &&
        words.every((word) => q.text.includes(word)));
      this.page = 0;
      this.show();
    }

    show() {
      const n = this.found.length;
      const pages = Math.max(1, Math.ceil(n / PAGE));
      const all = this.questions.length.toLocaleString("en");
      find("#count").textContent = n === this.questions.length
        ? `${all} questions`
        : `${n.toLocaleString("en")} of ${all} questions`;
      const first = this.page * PAGE;
      find("#list").replaceChildren(...this.found.slice(first, first + PAGE).map((q) => this.item(q)));
      find("#pages").hidden = pages === 1;
      find("#page").textContent = `page ${this.page + 1} of ${pages}`;
      const [before, after] = find("#pages").querySelectorAll("button");
      before.disabled = this.page === 0;
      after.disabled = this.page === pages - 1;
    }

    item(q) {
      const gain = q.score - q.scoreOf(q.majority);
      const about = [`question ${q.id}`];
      if (q.type >= 0) about.push(this.types[q.type]);
      const summary = make("summary", {},
        make("span", { className: "words", textContent: q.words || `Question ${q.id}` }),
        make("span", { className: `answer ${q.wrong ? "bad" : "good"}` },
          `${q.wrong ? "✗" : "✓"} ${this.answers[q.answer]}`),
        make("span", { className: "about" }, about.join(", "),
          q.changed
            ? make("span", {
              className: `tag ${gain > 0 ? "good" : gain < 0 ? "bad" : ""}`,
              textContent: gain > 0 ? "gained" : gain < 0 ? "lost" : "changed",
            })
            : null));
      const details = make("details", {}, summary);
      details.addEventListener("toggle", () => {
        if (details.open && details.childElementCount === 1) details.append(this.story(q));
      });
      return make("li", {}, details);
    }

    /** How the answer came about. */
    story(q) {
      const weighed = q.second !== 0;
      const typed = q.typeVotes.length > 0;
      const steps = make("div", { className: "steps" });
      const step = (title, ...content) =>
        steps.append(make("div", {}, make("h3", { textContent: title }), ...content));

      step("Counted", this.tally(q, q.first, !weighed && !typed));
      if (typed) {
        step("Summed by question type", this.typeVotes(q));
        step(`Votes inside ${this.types[q.won]}`, this.tally(q, q.second || q.first, true));
      } else if (weighed) {
        step("Weighed", this.tally(q, q.second, true));
      }
      const right = parts(q.right, 2).map(([answer, people]) =>
        this.answers[answer] + (people > 1 ? ` ×${people}` : "")).join(", ");
      let outcome = `Answer: ${this.answers[q.answer]}, score ${percent(q.score)}. Right: ${right}.`;
      if (q.changed) {
        outcome += ` A plain majority would say ${this.answers[q.majority]}, score ` +
          `${percent(q.scoreOf(q.majority))}.`;
      }

      const voted = make("div", {}, make("h3", { textContent: "First votes" }), this.votes(q));
      if (q.image >= 0) {
        voted.prepend(make("img", {
          src: `data:image/webp;base64,${document.getElementById(`image-${q.image}`).textContent}`,
          alt: `The image that is asked about: ${q.words}`,
        }));
      }
      return make("div", { className: "story" },
        make("p", { className: "outcome", textContent: outcome }), voted, steps);
    }

    /** Every member's answers and re-vote. */
    votes(q) {
      const revoted = q.members.some(([vote, revote]) => vote !== revote);
      const body = this.members.map((name, m) => {
        const [vote, revote, ...ranked] = q.members[m];
        const listed = parts(ranked, 2).map(([answer, sure]) => `${this.answers[answer]} ${percent(sure)}`);
        const cells = [
          make("th", { scope: "row", textContent: name }),
          make("td", { className: "text" },
            make("span", {
              className: vote < 0 ? "quiet" : q.scoreOf(vote) < WRONG ? "bad" : "good",
              textContent: listed[0] ?? "no vote",
            }),
            make("span", { className: "quiet", textContent: listed.slice(1).map((a) => `, ${a}`).join("") })),
        ];
        if (revoted) {
          const again = vote === revote ? "" : revote < 0 ? "abstains" : this.answers[revote];
          cells.push(make("td", { className: "text", textContent: again }));
        }
        return make("tr", {}, ...cells);
      });
      return this.table(["member", "answers", ...(revoted ? ["votes again"] : [])], body, 3);
    }

    /** Candidates by votes; the winner is marked in the round that decided. */
    tally(q, flat, decides) {
      const typed = parts(flat, 3).some(([answer]) => this.answerTypes[answer] >= 0);
      const body = parts(flat, 3).map(([answer, n, confidence]) => {
        const wins = decides && answer === q.answer;
        const type = this.answerTypes[answer];
        return make("tr", { className: wins ? "wins" : "" },
          make("th", { scope: "row", textContent: this.answers[answer] + (wins ? ` – wins${tie(q.tie)}` : "") }),
          typed ? make("td", { className: "text", textContent: type < 0 ? "" : this.types[type] }) : null,
          make("td", { textContent: votes(n) }),
          make("td", { textContent: confidence.toFixed(2) }),
          make("td", { textContent: percent(q.scoreOf(answer)) }));
      });
      const heads = ["answer", ...(typed ? ["type"] : []), "votes", "confidence", "score"];
      return this.table(heads, body, typed ? 2 : 1);
    }

    typeVotes(q) {
      const entries = parts(q.typeVotes, 2).sort((a, b) => b[1] - a[1]);
      const most = entries[0][1];
      const body = entries.map(([type, n]) => {
        const wins = type === q.won;
        const bar = make("span", { className: "bar" });
        bar.style.width = `${(100 * n) / most}%`;
        return make("tr", { className: wins ? "wins" : "" },
          make("th", { scope: "row", textContent: this.types[type] + (wins ? ` – wins${tie(q.typeTie)}` : "") }),
          make("td", { textContent: votes(n) }),
          make("td", { className: "bar-cell" }, bar));
      });
      return this.table(["type", "votes", ""], body, 1);
    }

    /** A table whose first columns hold text. */
    table(heads, body, texts) {
      const cells = heads.map((text, i) =>
        make("th", { scope: "col", className: i < texts ? "text" : "", textContent: text }));
      return make("div", { className: "scroll" }, make("table", {},
        make("thead", {}, make("tr", {}, ...cells)), make("tbody", {}, ...body)));
    }
  }

  // ------------------------------------------------------------------------- charts

  const LONGEST_LABEL = 18;

  /**
   * A figure with the style sheet's colours; long labels lose their middle where there is little
   * room, since names of models differ in their ends.
   */
  function coloured(text, narrow) {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    const figure = JSON.parse(text, (key, value) =>
      typeof value === "string" && value.startsWith("--") && colour(value) ? colour(value) : value);
    const axis = { gridcolor: colour("--line"), zerolinecolor: colour("--quiet"),
      linecolor: colour("--line"), fixedrange: true };
    const { layout } = figure;
    const size = narrow ? 12 : 14;
    for (const name of ["xaxis", "yaxis"]) {
      layout[name] = { ...axis, ...layout[name] };
      if (layout[name].title) layout[name].title.font = { size };
    }
    const short = (label) =>
      (label.length > LONGEST_LABEL ? `${label.slice(0, LONGEST_LABEL - 9)}…${label.slice(-8)}` : label);
    if (narrow && layout.yaxis.type === "category") {
      layout.yaxis.tickvals = figure.data[0].y;
      layout.yaxis.ticktext = figure.data[0].y.map(short);
    }
    if (narrow && figure.data[0].node) figure.data[0].node.label = figure.data[0].node.label.map(short);
    return {
      data: figure.data,
      layout: {
        font: { family: "system-ui, sans-serif", size, color: colour("--ink") },
        paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
        margin: { l: narrow ? 45 : 60, r: 15, t: 15, b: 50 }, dragmode: false,
        hoverlabel: { bgcolor: colour("--raised"), bordercolor: colour("--quiet"),
          font: { color: colour("--ink") } },
        ...layout,
      },
    };
  }

  async function drawCharts() {
    document.head.append(make("script", { nonce, textContent: await unpack("plotly") }));
    const charts = JSON.parse(await unpack("charts"));
    const narrow = matchMedia("(max-width: 40rem)");
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const draw = () => {
      for (const holder of document.querySelectorAll("[data-chart]")) {
        const figure = coloured(JSON.stringify(charts[holder.dataset.chart]), narrow.matches);
        Plotly.react(holder, figure.data, figure.layout, { responsive: true, displayModeBar: false });
      }
    };
    draw();
    for (const query of [narrow, dark]) query.addEventListener("change", draw);
    document.documentElement.dataset.drawn = "yes";
  }

  async function start() {
    if (!("DecompressionStream" in window)) {
      find("#count").textContent = "The charts and the questions need a browser of 2023 or later.";
      return;
    }
    new Browser(JSON.parse(await unpack("questions")));
    document.documentElement.dataset.ready = "yes";
    await drawCharts();
  }

  start();
})();
