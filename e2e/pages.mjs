// Every page that links lead to: no WCAG violation, no sideways scrolling, valid HTML, a quiet console, a picture.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { HtmlValidate } from "html-validate";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const html = new HtmlValidate({ root: true, extends: ["html-validate:standard"] });

/** Pages nobody may miss, besides what links lead to. */
export const KNOWN = ["/", "/account", "/account/passkeys/new", "/users", "/users/new", "/users/reset", "/ledgers", "/imports", "/accesses", "/accesses/cases", "/accesses/sources", "/accesses/rules", "/monthly", "/requests", "/circulars", "/circulars/new?ledger=documents&key=D-001", "/settings/approvals", "/nowhere"];
/** Pages of somebody who is not signed in. */
export const OUTSIDE = ["/sign-in", "/reset"];
/** Addresses that are the same page with other numbers: as many of each are looked at. */
const EACH = 1;

/** The shape of an address: rows, requirements and jobs are alike. */
const shape = (path) =>
  path
    .replace(/^(\/ledgers\/[^/?]+)\/(?!new|confirm)[^/?]+/, "$1/*")
    .replace(/^(\/documents\/drafts\/)[^/?]+/, "$1*")
    .replace(/^\/ledgers\/[^/?]+\?.*/, "/ledgers/*?")
    .replace(/^(\/(?:users|loans|jobs|requirements|checklists|imports\/held|approvals|requests)\/)(?!new|reset)[^/?]+.*/, "$1*")
    .replace(/\?.*/, "?");

const sideways = (page) =>
  page.evaluate(() => {
    const room = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= room) return [];
    const wide = [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > room + 1 && !e.closest(".scroll"));
    return wide.slice(0, 3).map((e) => `${e.tagName}.${e.className}`);
  });

const links = (page) =>
  page.evaluate(() => [...document.querySelectorAll("a[href]")].filter((a) => a.origin === location.origin && !a.download).map((a) => a.pathname + a.search));

/** Walks the pages from these on; a line of result for each. */
export const walk = async ({ page, faults, server }, known, shots, say) => {
  const seen = new Map();
  const queue = [...known];
  const failed = [];
  let count = 0;
  while (queue.length > 0) {
    const path = queue.shift();
    const kind = shape(path);
    const before = seen.get(kind) ?? 0;
    if (before >= EACH || /\/export|\/rejected|\.(xlsx|pdf|zip|csv)|\/download|\/file$/.test(path)) continue;
    seen.set(kind, before + 1);
    const started = Date.now();
    const problems = [];
    faults.length = 0;
    await page.setViewportSize({ width: 1280, height: 900 });
    const answer = await page.goto(server.origin + path).catch((error) => ({ broken: String(error) }));
    if (answer.broken) {
      if (!answer.broken.includes("Download is starting")) problems.push(answer.broken);
      else continue;
    }
    // What a link of ours leads to is there.
    const wanted = path === "/nowhere" ? 404 : 200;
    if (answer.status && answer.status() !== wanted) problems.push(`answered ${answer.status()}`);
    const source = answer.text ? await answer.text() : "";
    const report = await html.validateString(source);
    for (const { messages } of report.results) {
      problems.push(...messages.map((m) => `html ${m.line}:${m.column} ${m.ruleId}: ${m.message}`));
    }
    await page.evaluate(AXE);
    const found = await page.evaluate((tags) => axe.run({ runOnly: tags }), TAGS);
    for (const violation of found.violations) {
      problems.push(`axe ${violation.id}: ${violation.nodes.slice(0, 2).map((n) => n.target.join(" ")).join(" | ")}`);
    }
    // Outside, every link leads to the sign-in.
    if (known === KNOWN) queue.push(...(await links(page)));
    const name = kind.replace(/^\//, "").replace(/[/?*]+/g, "_") || "today";
    await page.screenshot({ path: join(shots, "desktop", `${name}.png`), fullPage: true });
    // 320 px is a phone, and 1280 px at 400 %.
    await page.setViewportSize({ width: 320, height: 640 });
    const wide = await sideways(page);
    if (wide.length > 0) problems.push(`wider than 320 px: ${wide.join(", ")}`);
    await page.screenshot({ path: join(shots, "phone", `${name}.png`), fullPage: true });
    await page.pdf({ path: join(shots, "print", `${name}.pdf`), format: "A4" });
    problems.push(...faults.map((fault) => `console: ${fault}`));
    count += 1;
    say(`${problems.length ? "✗" : "✓"} ${path} (${Date.now() - started} ms)`);
    problems.slice(0, 8).forEach((problem) => say(`    ${problem}`));
    if (problems.length > 0) failed.push(path);
  }
  return { count, failed };
};
