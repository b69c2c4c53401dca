// The lines that a new bin's configuration file needs.

/** Where a bin has its root of trust. */
const rootFile = "/etc/pilah/root.json";

/**
 * @param broker the broker's address as the hub knows it, or null
 * @param page the address of this page
 * @param under the path that the hub is under
 * @param root whether the bin is given a root of trust
 */
export function configurationOf(id: string, broker: string | null, page: URL, under = "/", root = false): string {
  const secure = page.protocol === "https:";
  const fallback = `${secure ? "mqtts" : "mqtt"}://${page.hostname}:${secure ? 8883 : 1883}`;
  // An address that stands for all of the hub's machine is reached by the name that this page was reached by.
  const address = (broker ?? fallback).replace(/\/\/(0\.0\.0\.0|\[::\])(?=[:/]|$)/, `//${page.hostname}`);
  return [
    "[bin]",
    `id = "${id}"`,
    "",
    "[mqtt]",
    `url = "${address}"`,
    'password_file = "/etc/pilah/bin-password"',
    "",
    "[hub]",
    `url = "${page.origin}${under.replace(/\/$/, "")}"`,
    ...(root ? ["", "[updates]", `root = "${rootFile}"`] : []),
  ].join("\n");
}
