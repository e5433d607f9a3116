// Browser tests: a real Chromium against the real executable. `npm test`; SAKIMORI_BIN names another executable.
import { mkdirSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { launch, open } from "./browser.mjs";
import * as journeys from "./journeys.mjs";
import { KNOWN, OUTSIDE, walk } from "./pages.mjs";
import { start } from "./server.mjs";

const shots = fileURLToPath(new URL("./shots", import.meta.url));
rmSync(shots, { recursive: true, force: true });
for (const kind of ["desktop", "phone", "print"]) mkdirSync(`${shots}/${kind}`, { recursive: true });
const say = (line) => console.log(line);
const table = [];

/** Runs one journey against the stopwatch; `most` seconds, where there is a limit. */
const play = async (stage, name, journey, most) => {
  const started = Date.now();
  stage.faults.length = 0;
  let result = "✓";
  try {
    await journey(stage);
    if (stage.faults.length > 0) throw new Error(stage.faults.join("\n"));
    if (most && Date.now() - started > most * 1000) throw new Error(`longer than ${most} s`);
  } catch (error) {
    result = "✗";
    say(`${result} ${name}: ${error.stack}`);
    await journeys.evidence(stage.page, shots, journey.name);
  }
  table.push({ journey: name, result, seconds: ((Date.now() - started) / 1000).toFixed(1), limit: most ?? "" });
};

const began = Date.now();
const browser = await launch();
const servers = [];
const walked = { count: 0, failed: [] };
try {
  const on = async (options) => {
    const server = await start(options);
    servers.push(server);
    return { ...(await open(browser)), server, browser };
  };
  const fresh = await on();
  await play(fresh, "J0 初期設定リンクから今日やることまで", journeys.setUp, 300);
  await play(fresh, "パスキーでサインイン", journeys.passkey);
  await play(fresh, "本人確認のないパスキーは断る", journeys.unverified);
  await play(fresh, "パスワードと認証アプリ", journeys.password);
  await play(fresh, "写されたクッキーは断る", journeys.copied);
  await play(fresh, "JavaScriptなし", journeys.withoutScripts);

  const demo = await on({ demo: true });
  await play(demo, "デモの初期設定", journeys.setUp);
  await play(demo, "J1 貸出と返却", journeys.lend, 30);
  await play(demo, "J2 監査フォルダ", journeys.auditFolder, 60);
  await play(demo, "J3 機器台帳の取込みと取消し", journeys.importLedger, 60);
  await play(demo, "J4 なぜ不適合か", journeys.why, 30);
  await play(demo, "J5 攻撃の疑いの報告", journeys.attack, 60);
  await play(demo, "紛失の報告", journeys.lost, 60);
  await play(demo, "途中で切れたセッションと戻るボタン", journeys.expired);
  await play(demo, "ハイコントラスト・動きなし・200 %", journeys.themes);
  await play(demo, "パスキーで署名して承認", journeys.sign, 30);
  const stranger = { ...(await open(browser)), server: demo.server };
  for (const [stage, known] of [[stranger, OUTSIDE], [demo, KNOWN]]) {
    const { count, failed } = await walk(stage, known, shots, say);
    walked.count += count;
    walked.failed.push(...failed);
  }
} finally {
  await browser.close();
  await Promise.all(servers.map((server) => server.stop()));
}
console.table(table);
const broken = table.filter((line) => line.result === "✗");
say(`${table.length - broken.length} journeys passed, ${broken.length} failed; ${walked.count} pages, ${walked.failed.length} with problems; ${Math.round((Date.now() - began) / 1000)} s`);
process.exitCode = broken.length + walked.failed.length > 0 ? 1 : 0;
