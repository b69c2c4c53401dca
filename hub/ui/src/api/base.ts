// Where the hub is: at the root of its host, or under a path of a proxy, which the page names in its `<base>`.

/** The path that the hub is under, with a slash at both ends: `/`, or `/pilah/`. */
export const base = baseOf(document.baseURI);

/** The path of a page's `<base>`; without one, it is the folder of the page. */
export function baseOf(uri: string): string {
  return new URL(".", uri).pathname;
}

/** Where a path of the hub's interface is for this browser. */
export function at(path: string, under = base): string {
  return under + path.replace(/^\//, "");
}

/** The path of the hub's interface that a browser asks for at this address. */
export function pathOf(url: string, under = base): string {
  const { pathname } = new URL(url);
  return pathname.startsWith(under) ? `/${pathname.slice(under.length)}` : pathname;
}
