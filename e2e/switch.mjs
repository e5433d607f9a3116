// How long one person takes to leave a terminal and the next to be at work, by passkey: round trips after the
// authenticator has answered, and the time of the server and of the browser for them. `node e2e/switch.mjs`
import { launch, open } from "./browser.mjs";
import { setUp } from "./journeys.mjs";
import { start } from "./server.mjs";

const ROUNDS = 50;
const WARM = 5;

const server = await start({ demo: true });
const browser = await launch();
const stage = { ...(await open(browser)), server, browser };
const at = (times, part) => times.toSorted((a, b) => a - b)[Math.floor((times.length - 1) * part)].toFixed(0);
try {
  await setUp(stage);
  const { page } = stage;
  const trips = [];
  const times = { server: [], whole: [] };
  for (let round = 0; round < ROUNDS + WARM; round += 1) {
    await page.goto(`${server.origin}/ledgers/devices`);
    const begun = performance.now();
    await page.getByRole("button", { name: "サインアウト" }).click();
    await page.waitForURL("**/sign-in");
    const asked = [];
    const seen = (request) => asked.push(request);
    page.on("request", seen);
    await page.getByRole("button", { name: "パスキーでサインイン" }).click();
    await page.waitForURL((url) => url.pathname === "/");
    await page.getByRole("heading", { level: 1 }).waitFor();
    const whole = performance.now() - begun;
    page.off("request", seen);
    const after = asked.slice(asked.findIndex((request) => request.url().endsWith("/sign-in/passkey")));
    const waited = after.filter((request) => request.isNavigationRequest());
    if (round < WARM) continue;
    trips.push(waited.length);
    times.whole.push(whole);
    for (const request of waited) {
      const timing = (await request.response()) && request.timing();
      times.server.push(timing.responseStart - timing.requestStart);
    }
  }
  console.log("| round trips after the passkey | server, a round trip: p50 ms | p95 ms | sign-out to the next page: p50 ms | p95 ms |");
  console.log("|---|---|---|---|---|");
  console.log(`| ${Math.max(...trips)} | ${at(times.server, 0.5)} | ${at(times.server, 0.95)} | ${at(times.whole, 0.5)} | ${at(times.whole, 0.95)} |`);
} finally {
  await browser.close();
  await server.stop();
}
