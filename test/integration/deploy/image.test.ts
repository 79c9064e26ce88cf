/** The text of the Dockerfile. The image itself is tested in containers.test.ts. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

describe("the Dockerfile", () => {
  const instructions = readFileSync("Dockerfile", "utf8")
    .replaceAll(/^#.*\n/gm, "")
    .replaceAll(/\\\n\s*/g, "")
    .split("\n")
    .filter((line) => line !== "");
  const stages = instructions.join("\n").split(/^FROM /m);
  const last = (stages.at(-1) ?? "").split("\n");

  it("has two stages with one configurable base image", () => {
    expect(stages.map((stage) => stage.split("\n")[0])).toEqual([
      "ARG NODE_IMAGE=node:24-slim",
      ["${", "NODE_IMAGE} AS build"].join(""),
      ["${", "NODE_IMAGE}"].join(""),
    ]);
  });

  it("copies only the needed files into the image, and runs it as an unprivileged user", () => {
    expect(last.filter((line) => line.startsWith("COPY"))).toEqual([
      "COPY package.json LICENSE ./",
      "COPY --from=build /app/dist dist",
    ]);
    expect(last.filter((line) => line.startsWith("USER"))).toEqual(["USER 1000:1000"]);
    const after = last.slice(last.indexOf("USER 1000:1000") + 1).map((line) => line.split(" ")[0]);
    expect(after).toEqual(["EXPOSE", "HEALTHCHECK", "ENTRYPOINT"]);
  });

  it("installs the versions in the lock file, without install scripts", () => {
    expect(instructions.filter((line) => /^RUN npm (?!run)/.test(line))).toEqual([
      "RUN npm ci --ignore-scripts",
    ]);
  });
});
