// What components expect of a browser and the test's document lacks.

import { cleanup, configure } from "@testing-library/react";
import { afterEach, vi } from "vitest";

afterEach(cleanup);

// A busy machine is slow, and no test fails of that.
configure({ asyncUtilTimeout: 20_000 });

vi.stubGlobal(
  "matchMedia",
  (query: string): MediaQueryList =>
    ({ matches: false, media: query, addEventListener() {}, removeEventListener() {} }) as unknown as MediaQueryList,
);

vi.stubGlobal(
  "ResizeObserver",
  class {
    observe() {}
    unobserve() {}
    disconnect() {}
  },
);
