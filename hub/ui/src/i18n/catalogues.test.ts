// Both languages say everything, and nothing that people read is written outside the catalogues.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { describe, expect, it } from "vitest";

const source = join(import.meta.dirname, "..");
const files = readdirSync(source, { recursive: true, encoding: "utf8" }).map((file) => join(source, file));

const english = files.filter((file) => /(^|[./\\])en\.json$/.test(file));

function catalogue(file: string): Record<string, string> {
  return JSON.parse(readFileSync(file, "utf8"));
}

/** Attributes whose values people read or hear. */
const spoken = /^(alt|title|label|placeholder|description|aria-label|aria-description|nothingFoundMessage|error)$/;

/** What has letters and is not a mere unit, sign or name. */
const words = /\p{L}{2}/u;

/** Names that are the same in all languages. */
const names = /Pilah|English|Bahasa Indonesia/g;

/** Whether the text is what a person types somewhere, and so the same in all languages. */
function isCode(node: ts.JsxText): boolean {
  return ts.isJsxElement(node.parent) && /^(Code|code|kbd|Kbd)$/.test(node.parent.openingElement.tagName.getText());
}

function literals(file: string): string[] {
  const tree = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.Latest, true, ts.ScriptKind.TSX);
  const found: string[] = [];
  const report = (node: ts.Node, text: string) => {
    const trimmed = text.trim();
    if (!words.test(trimmed.replaceAll(names, ""))) return;
    found.push(`${file}:${tree.getLineAndCharacterOfPosition(node.getStart()).line + 1}: ${trimmed}`);
  };
  const strings = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node)) report(node, node.text);
    else if (ts.isTemplateExpression(node)) {
      report(node, [node.head.text, ...node.templateSpans.map((span) => span.literal.text)].join(" "));
    } else if (ts.isConditionalExpression(node)) [node.whenTrue, node.whenFalse].forEach(strings);
    else if (ts.isParenthesizedExpression(node)) strings(node.expression);
  };
  const visit = (node: ts.Node): void => {
    if (ts.isJsxText(node) && !isCode(node)) report(node, node.text);
    if (ts.isJsxExpression(node) && node.expression && ts.isJsxElement(node.parent)) strings(node.expression);
    if (ts.isJsxAttribute(node) && spoken.test(node.name.getText()) && node.initializer) {
      strings(ts.isJsxExpression(node.initializer) ? (node.initializer.expression ?? node) : node.initializer);
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return found;
}

describe("catalogues", () => {
  it("are found", () => expect(english.length).toBeGreaterThan(3));

  it.each(english)("%s and its Indonesian twin have the same keys and values", (file) => {
    const en = catalogue(file);
    const id = catalogue(file.replace(/en\.json$/, "id.json"));
    // Indonesian has one form for every count; i18next asks for `_other` only.
    expect(Object.keys(id).sort()).toEqual(Object.keys(en).sort());
    for (const [key, text] of Object.entries(en)) {
      const values = (of: string) => [...of.matchAll(/\{\{\s*(\w+)/g)].map(([, name]) => name).sort();
      expect(values(id[key] ?? ""), `${key} in ${file}`).toEqual(values(text));
      expect(id[key]?.trim(), `${key} in ${file}`).not.toBe("");
    }
  });

  it("hold every text", () => {
    const components = files.filter((file) => file.endsWith(".tsx") && !/\.test\.tsx$|[/\\]testing[/\\]/.test(file));
    expect(components.length).toBeGreaterThan(3);
    expect(components.flatMap(literals)).toEqual([]);
  });
});
