// A Chromium as clinics have it, worked by keyboard alone.
import { createHmac } from "node:crypto";
import { chromium } from "playwright-core";

const FLAGS = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync";
export const WORDS = { locale: "ja-JP", timezoneId: "Asia/Tokyo" };

export const launch = () =>
  chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS.split(" ") });

/** A page whose console errors, failed scripts and 5xx answers are collected. */
export const open = async (browser, options = {}) => {
  const context = await browser.newContext({ ...WORDS, ...options });
  const page = await context.newPage();
  const faults = [];
  page.on("console", (message) => {
    // A page that is refused (401, 403, 404, 422) is an answer like any other; Chromium logs it all the same.
    if (message.type() === "error" && !/status of 4\d\d/.test(message.text())) faults.push(message.text());
  });
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("response", (answer) => answer.status() >= 500 && faults.push(`${answer.status()} ${answer.url()}`));
  // Listening from the start: a dialog that opens before anybody listens would be lost.
  page.on("filechooser", () => {});
  page.setDefaultTimeout(15_000);
  return { context, page, faults };
};

/** A passkey of software: built in, resident, with user verification. */
export const authenticator = async ({ context, page }) => {
  const cdp = await context.newCDPSession(page);
  await cdp.send("WebAuthn.enable");
  const options = {
    protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true,
    automaticPresenceSimulation: true,
  };
  const { authenticatorId } = await cdp.send("WebAuthn.addVirtualAuthenticator", { options });
  return { verifies: (yes) => cdp.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: yes }) };
};

/** The code that an authenticator app shows at a time (RFC 6238; SHA-1, six digits, 30 seconds). */
export const totp = (base32, at = Date.now()) => {
  const bits = [...base32.replace(/[^A-Z2-7]/g, "")].map((c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c));
  const binary = bits.map((n) => n.toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(binary.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(at / 30_000)));
  const mac = createHmac("sha1", key).update(step).digest();
  const number = mac.readUInt32BE(mac[19] & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, "0");
};

/** What a person does with a keyboard; nothing here clicks. */
export const keyboard = (page) => {
  const keys = page.keyboard;
  const isOn = (locator) => locator.evaluate((element) => document.activeElement === element);
  /** Moves the focus with Tab until it is there. */
  const to = async (locator) => {
    await locator.waitFor({ state: "visible" });
    for (let presses = 0; presses < 400; presses += 1) {
      if (await isOn(locator)) return locator;
      await keys.press("Tab");
    }
    throw new Error(`not reached with Tab: ${locator}`);
  };
  /** Presses a button or follows a link, and waits for the page it leads to. */
  const press = async (locator) => {
    await to(locator);
    const before = await page.evaluate(() => performance.timeOrigin);
    await keys.press("Enter");
    await page.waitForFunction((was) => performance.timeOrigin !== was && document.readyState === "complete", before);
  };
  /** Types into a field, over what is there. */
  const type = async (locator, text) => {
    await to(locator);
    await keys.press("Control+a");
    await keys.insertText(text);
  };
  /** Chooses one of several radio buttons. */
  const choose = async (radio) => {
    const group = radio.page().locator(`input[type=radio][name="${await radio.getAttribute("name")}"]`);
    const inGroup = () => group.evaluateAll((all) => all.includes(document.activeElement));
    for (let presses = 0; !(await inGroup()); presses += 1) {
      if (presses > 400) throw new Error(`not reached with Tab: ${radio}`);
      await keys.press("Tab");
    }
    for (let presses = 0; presses < 30; presses += 1) {
      if (await radio.isChecked()) return;
      await keys.press(presses === 0 && !(await group.evaluateAll((all) => all.some((r) => r.checked))) ? "Space" : "ArrowDown");
    }
    throw new Error(`not chosen: ${radio}`);
  };
  /** Chooses a file: Enter on the field opens the dialog of the system. */
  const file = async (locator, path) => {
    await to(locator);
    const chooser = page.waitForEvent("filechooser");
    await keys.press("Enter");
    await (await chooser).setFiles(path);
  };
  return { to, press, type, choose, file, key: (name) => keys.press(name) };
};
