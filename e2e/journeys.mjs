// What people do, by keyboard alone. Each journey is a function of the stage and stands for itself.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { authenticator, keyboard, open, totp } from "./browser.mjs";
import { run } from "./server.mjs";

export const PASSWORD = "hayabusa-no-kaze-7";

const check = (truth, message) => {
  if (!truth) throw new Error(message);
};
const button = (page, name) => page.getByRole("main").getByRole("button", { name }).first();
const link = (page, name) => page.getByRole("link", { name }).first();
const at = (page) => new URL(page.url()).pathname;

/** Opens an address that has to be there. */
const visit = async (page, url) => {
  const answer = await page.goto(url);
  check(answer.ok(), `${url}: ${answer.status()}`);
};

/** The set-up link to the first page, in five pages; leaves a passkey, and recovery codes on the stage. */
export const setUp = async (stage, { name = "まつかぜ架空診療所" } = {}) => {
  const { page, server } = stage;
  const { press, type, choose } = keyboard(page);
  stage.key = await authenticator(stage);
  await page.goto(server.link);
  await page.waitForURL("**/setup/1");
  check(!page.url().includes("#"), "the secret stays in the address");
  await choose(page.getByRole("radio", { name: "いない" }));
  await press(button(page, "次へ"));
  if (!(await page.getByLabel("施設の名称").inputValue())) await type(page.getByLabel("施設の名称"), name);
  await type(page.getByLabel("あなたの氏名"), "架空 花子");
  await type(page.getByLabel("利用者ID"), "jimu01");
  await press(button(page, "次へ"));
  await press(button(page, "パスキーを追加する"));
  check(await page.getByText("✓ 登録済みです。").first().isVisible(), "no passkey after setting one up");
  await press(button(page, "回復コードを表示して次へ"));
  stage.codes = await page.locator("ol code").allTextContents();
  check(stage.codes.length === 10, `${stage.codes.length} recovery codes`);
  await press(link(page, "保管した。次へ"));
  const questions = page.locator("main fieldset");
  check((await questions.count()) === 12, `${await questions.count()} questions`);
  for (let n = 0; n < 12; n += 1) {
    await choose(questions.nth(n).getByRole("radio", { name: n % 3 ? "はい" : "いいえ", exact: true }));
  }
  await press(button(page, "最初の結果を見る"));
  check(at(page) === "/" && (await page.getByRole("status").textContent()).includes("12"), "no result after set-up");
};

/** Signs out, and in again with the passkey. */
export const passkey = async ({ page, server }) => {
  const { press } = keyboard(page);
  await press(page.getByRole("button", { name: "サインアウト" }));
  check(at(page) === "/sign-in", "not at the sign-in");
  await page.goto(`${server.origin}/ledgers`);
  await press(button(page, "パスキーでサインイン"));
  check(at(page) === "/ledgers", `after the passkey at ${at(page)}`);
};

/** A passkey without finger or PIN lets nobody in. */
export const unverified = async ({ page, key }) => {
  const { press, to } = keyboard(page);
  await press(page.getByRole("button", { name: "サインアウト" }));
  await key.verifies(false);
  await to(button(page, "パスキーでサインイン"));
  await page.keyboard.press("Enter");
  await page.getByText("パスキーで確認できませんでした").waitFor();
  check(at(page) === "/sign-in", "let in without user verification");
  await key.verifies(true);
  await press(button(page, "パスキーでサインイン"));
};

/** Sets a password and an authenticator app, and signs in with both. */
export const password = async ({ page, server }) => {
  const { press, type } = keyboard(page);
  await page.goto(`${server.origin}/account`);
  await type(page.getByLabel("新しいパスワード", { exact: true }), PASSWORD);
  await type(page.getByLabel("新しいパスワード（もう一度）"), PASSWORD);
  await press(button(page, "パスワードを決める"));
  await press(button(page, "認証アプリを登録する"));
  const secret = await page.locator("main code").textContent();
  const used = totp(secret);
  await type(page.getByLabel("6桁の確認コード"), used);
  await press(button(page, "登録する"));
  check((await page.getByRole("status").textContent()).includes("認証アプリを登録しました"), "no authenticator app");
  await press(page.getByRole("button", { name: "サインアウト" }));
  const enter = async (code) => {
    await type(page.getByLabel("利用者ID"), "jimu01");
    await type(page.getByLabel("パスワード"), PASSWORD);
    await type(page.getByLabel("確認コード"), code);
    await press(button(page, /^サインイン$/));
  };
  await enter(used);
  check(await page.locator("#error-summary").isVisible(), "a code that was used before lets in");
  check(await page.locator("#error-summary").evaluate((e) => e === document.activeElement), "errors are not in focus");
  // The next step of the code is good already.
  await enter(totp(secret, Date.now() + 30_000));
  check(at(page) === "/", `after password and code at ${at(page)}`);
};

/** A session's cookies in another browser: at best the owner's name is asked to prove itself. */
export const copied = async ({ context, page, server, browser }) => {
  const cookies = await context.cookies();
  const thief = await open(browser, { userAgent: "Thief/1.0" });
  await thief.context.addCookies(cookies);
  const answer = await thief.page.goto(`${server.origin}/ledgers/people`);
  check(answer.status() === 401, `a copied cookie is answered ${answer.status()}`);
  await thief.context.close();
  await page.goto(`${server.origin}/ledgers`);
  const again = button(page, "パスキーでサインイン");
  if (await again.isVisible()) await keyboard(page).press(again);
  check((await page.goto(`${server.origin}/ledgers`)).ok(), "the owner does not get back in");
};

/** The core forms without any script: sign-in by password and recovery code, add, change, search. */
export const withoutScripts = async ({ server, browser, codes }) => {
  const { context, page, faults } = await open(browser, { javaScriptEnabled: false });
  const sent = async (name) => {
    await Promise.all([page.waitForEvent("load"), page.getByRole("button", { name }).first().press("Enter")]);
  };
  await page.goto(`${server.origin}/ledgers/people/new`);
  await page.getByLabel("利用者ID").fill("jimu01");
  await page.getByLabel("パスワード").fill(PASSWORD);
  await page.getByLabel("確認コード").fill(codes[0]);
  await sent(/^サインイン$/);
  check(at(page) === "/ledgers/people/new", `without scripts at ${at(page)}`);
  await sent("登録する");
  check(await page.locator("#error-summary").isVisible(), "an empty row is taken");
  await page.locator("#f-no").fill("Ｓ９９０");
  await page.locator("#f-name").fill("架空 太郎");
  await sent("登録する");
  check(at(page) === "/ledgers/people/S990", `after adding at ${at(page)}`);
  await page.goto(`${server.origin}/ledgers/people/S990/edit`);
  await page.locator("#f-name").fill("架空 次郎");
  await sent("登録する");
  await page.goto(`${server.origin}/ledgers/people`);
  await page.locator("#f-q").fill("ｓ９９０");
  await sent("さがす");
  check((await page.locator("#rows tbody tr").count()) === 1, "not found without scripts");
  check(faults.length === 0, faults.join("\n"));
  await context.close();
};

/** ① Lend a device and take it back: at most three fields to fill in, at most 30 seconds. */
export const lend = async ({ page, server }) => {
  const { press, type, choose, to } = keyboard(page);
  await visit(page, `${server.origin}/loans/new`);
  const unanswered = await page.locator("main form").first().evaluate((form) => {
    const names = new Set([...form.querySelectorAll("[required]")].map((field) => field.name));
    return [...names].filter((name) => !new FormData(form).get(name));
  });
  check(unanswered.length <= 3, `to be filled in: ${unanswered}`);
  await type(page.locator("#f-device"), "PC-002");
  await type(page.locator("#f-borrower"), "S005");
  await choose(page.getByRole("radio", { name: "院内" }));
  await press(page.locator("main form button.main").first());
  check((await page.getByRole("status").textContent()).trim() !== "", "nothing says that it was lent");
  await visit(page, `${server.origin}/loans`);
  await press(page.locator("main a", { hasText: /L-\d+|PC-002/ }).first());
  await to(page.getByRole("button", { name: /返/ }).first());
  await press(page.getByRole("button", { name: /返/ }).first());
  check((await page.getByRole("status").textContent()).includes("返"), "nothing says that it came back");
};

/** ② The 監査フォルダ in one act, checked by the executable. */
export const auditFolder = async ({ page, server }) => {
  const { press, to, key } = keyboard(page);
  await visit(page, `${server.origin}/evidence`);
  await press(button(page, /監査フォルダ/));
  const file = page.getByRole("main").getByRole("link", { name: /受け取る|ダウンロード|\.zip/ }).first();
  const deadline = Date.now() + 60_000;
  while (!(await file.isVisible())) {
    check(Date.now() < deadline, "the folder is not ready after a minute");
    await page.waitForTimeout(500);
    await page.reload();
  }
  await to(file);
  const waiting = page.waitForEvent("download");
  await key("Enter");
  const path = join(server.folder, "folder.zip");
  await (await waiting).saveAs(path);
  const verified = run("verify", path);
  check(verified.code === 0, verified.said);
};

/** ③ Last year's ledger, read without a manual: look, take in, take back. */
export const importLedger = async ({ page, server }) => {
  const { press, file } = keyboard(page);
  const ledger = fileURLToPath(new URL("../testkit/samples/さくら架空クリニック/機器台帳.xlsx", import.meta.url));
  await page.goto(`${server.origin}/ledgers`);
  await press(link(page, "Excelから取り込む"));
  await file(page.getByLabel(/^ファイル/), ledger);
  await press(button(page, "内容を確かめる"));
  const commit = page.getByRole("button", { name: /\d+件を取り込む/ });
  const count = Number((await commit.textContent()).match(/\d+/)[0]);
  check(count > 10, `${count} rows to take in`);
  await press(commit);
  check((await page.getByRole("status").textContent()).includes("取り込みました"), "nothing says what was taken in");
  await page.goto(`${server.origin}/imports`);
  const undo = page.getByRole("button", { name: /取り消す|取消し/ }).first();
  await press(undo);
  check((await page.getByRole("status").textContent()).trim() !== "", "nothing says that it was undone");
};

/** ④ Why 不適合, who, by when: on one page. */
export const why = async ({ page, server }) => {
  const { press } = keyboard(page);
  await visit(page, `${server.origin}/requirements?verdict=unmet`);
  await press(page.getByRole("main").getByRole("link").filter({ hasText: /[①-⑳\d]/ }).last());
  const text = await page.getByRole("main").innerText();
  for (const heading of ["不適合", "根拠となった事実", "次にすること"]) check(text.includes(heading), `no ${heading}`);
};

/** ⑤ Something looks like an attack: what to do and whom to call before a word is typed; then one sentence. */
export const attack = async ({ page, server }) => {
  const { press, type } = keyboard(page);
  await visit(page, server.origin);
  await press(page.getByRole("main").getByRole("link", { name: "ウイルスかもしれない" }));
  const shows = async () => {
    const text = await page.getByRole("main").innerText();
    check(/\d{2,4}-\d{2,4}-\d{3,4}/.test(text), "no phone number");
    check(text.includes("線を抜く") && text.includes("電源は切らない"), "nothing says what to do first");
  };
  await shows();
  const unanswered = await page.locator("main form [required]").count();
  check(unanswered === 1, `${unanswered} fields to be filled in`);
  await type(page.locator("#f-what"), "受付のPCに英語の脅迫文が出ている");
  await press(button(page, "この内容で記録する"));
  check((await page.getByRole("status").textContent()).includes("記録しました"), "nothing says that it was recorded");
  await shows();
  check((await page.pdf({ format: "A4" })).length > 10_000, "it does not print");
};

/** A session that ends while somebody types loses nothing; and going back does not enter a row twice. */
export const expired = async ({ context, page, server }) => {
  const { press, type, to, key } = keyboard(page);
  await visit(page, `${server.origin}/ledgers/people/new`);
  await type(page.locator("#f-no"), "S980");
  await type(page.locator("#f-name"), "架空 三郎");
  await type(page.locator("#f-note"), "一行目、“引用” <記号> & ＆");
  await context.clearCookies({ name: "__Host-session" });
  await press(page.locator("main form button.main").first());
  check((await page.getByRole("main").innerText()).includes("入力した内容は残っています"), "nothing says that it is kept");
  await to(button(page, "パスキーでサインイン"));
  await key("Enter");
  await page.getByRole("button", { name: "この内容を送る" }).waitFor();
  await press(button(page, "この内容を送る"));
  check(at(page) === "/ledgers/people/S980", `after resuming at ${at(page)}`);
  const text = await page.getByRole("main").innerText();
  check(text.includes("架空 三郎") && text.includes("<記号>"), "what was typed is not there");
  await visit(page, `${server.origin}/ledgers/people/new`);
  await type(page.locator("#f-no"), "S981");
  await type(page.locator("#f-name"), "架空 四郎");
  await press(page.locator("main form button.main").first());
  await page.goBack();
  await type(page.locator("#f-no"), "S981");
  await type(page.locator("#f-name"), "架空 四郎");
  await press(page.locator("main form button.main").first());
  check(await page.locator("#error-summary").isVisible(), "the same row is entered twice");
  check((await page.locator("#f-name").inputValue()) === "架空 四郎", "what was typed is gone");
};

/** Contrast themes, reduced motion and 200 % text: what is in focus is seen, nothing is cut off. */
export const themes = async ({ browser, server, page }) => {
  const cookies = await page.context().cookies();
  const agent = await page.evaluate(() => navigator.userAgent);
  const other = await open(browser, { forcedColors: "active", reducedMotion: "reduce", userAgent: agent, viewport: { width: 640, height: 450 } });
  await other.context.addCookies(cookies);
  for (const path of ["/", "/ledgers/devices", "/requirements", "/approvals", "/incident"]) {
    await visit(other.page, `${server.origin}${path}`);
    await other.page.keyboard.press("Tab");
    const outline = await other.page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
    check(outline !== "none", `${path}: the focus is not seen`);
    const wide = await other.page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
    check(!wide, `${path}: scrolls sideways at 200 %`);
    const motion = await other.page.evaluate(() => getComputedStyle(document.documentElement).scrollBehavior);
    check(motion === "auto", `${path}: moves although it should not`);
  }
  await other.context.close();
};

/** ⑤ A lost USB stick: reported at once, with whom to call on the same page. */
export const lost = async ({ page, server }) => {
  const { press, type } = keyboard(page);
  await visit(page, `${server.origin}/lost`);
  const device = page.locator("[name=device]").first();
  await type(device, "MD-001");
  for (const field of await page.locator("main textarea, main input[required]:not([name=device])").all()) {
    if (!(await field.inputValue())) await type(field, "訪問先で見当たらない");
  }
  await press(page.locator("main form button.main, main form button.danger").first());
  const text = await page.getByRole("main").innerText();
  check(/\d{2,4}-\d{2,4}-\d{3,4}/.test(text), "no phone number after the report");
};

/** What waits is approved by the passkey's signature over what is shown; the journal says that it was signed. */
export const sign = async ({ page, server }) => {
  const { press } = keyboard(page);
  await visit(page, `${server.origin}/approvals`);
  const waiting = page.getByRole("main").locator("section.notice");
  const before = await waiting.count();
  await press(button(page, /パスキーで署名して承認/));
  check((await page.getByRole("status").textContent()).includes("承認しました"), "nothing says that it was approved");
  check((await waiting.count()) === before - 1, "it still waits");
  await visit(page, `${server.origin}/evidence/journal`);
  check((await page.getByRole("main").textContent()).includes("パスキーの署名"), "the journal does not tell of the signature");
};

/** Takes a screenshot and the text of a page that failed, for whoever looks. */
export const evidence = async (page, folder, name) => {
  await page.screenshot({ path: join(folder, `failed-${name}.png`), fullPage: true }).catch(() => {});
  writeFileSync(join(folder, `failed-${name}.html`), await page.content().catch(() => ""));
};
