// The real executable in a fresh folder, on a free port of this machine.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
export const BIN = process.env.SAKIMORI_BIN ?? here("../target/debug/sakimori");
if (!existsSync(BIN)) throw new Error(`no executable at ${BIN}: cargo build -p server`);

/** Runs one command of the executable; its exit code and what it said. */
export const run = (...words) => {
  const ended = spawnSync(BIN, words, { encoding: "utf8" });
  return { code: ended.status, said: ended.stdout + ended.stderr };
};

/** Starts a server; with the demonstration clinic's data if wanted. */
export const start = async ({ demo = false } = {}) => {
  const folder = mkdtempSync(join(tmpdir(), "sakimori-e2e-"));
  const data = join(folder, "data");
  if (demo) {
    const loaded = run("--data", data, "demo", "--load");
    if (loaded.code !== 0) throw new Error(loaded.said);
  }
  const child = spawn(BIN, ["--data", data, "serve", "--plain", "--listen", "127.0.0.1:0"]);
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes) => (said += bytes));
  const found = (regex) => said.match(regex)?.[0];
  const deadline = Date.now() + 30_000;
  let link;
  while (!(link = found(/https?:\/\/\S+\/setup#t=\S+/))) {
    if (Date.now() > deadline || child.exitCode !== null) throw new Error(`no set-up link:\n${said}`);
    await new Promise((wake) => setTimeout(wake, 50));
  }
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((wake) => child.once("exit", wake));
      child.kill("SIGTERM");
      await ended;
    } else {
      process.exitCode = 1;
      console.error(`the server ended by itself (${child.exitCode ?? child.signalCode}):\n${said}`);
    }
    rmSync(folder, { recursive: true, force: true });
  };
  return { origin: new URL(link).origin, link, folder, data, stop, said: () => said };
};
