// The pages: where each is, who may see it, and its sign in the navigation.

import {
  IconCamera,
  IconChartLine,
  IconChecklist,
  IconHome,
  IconPhoto,
  IconRocket,
  IconSchool,
  IconSettings,
  IconStack2,
  IconTrash,
  IconUpload,
} from "@tabler/icons-react";
import type { ComponentType } from "react";
import type { Role } from "../api/queries";

/** A page in the navigation. */
export interface Page {
  /** Its name in the catalogues. */
  name: PageName;
  /** Its address. */
  path: string;
  /** The least role that sees it. */
  role: Role;
  icon: ComponentType<{ size?: number; stroke?: number }>;
}

/** Names of the pages. */
export type PageName = (typeof pages)[number]["name"];

/** In the order of the work: see, collect, review, train, roll out, plan. */
export const pages = [
  { name: "home", path: "/", role: "viewer", icon: IconHome },
  { name: "classify", path: "/classify", role: "viewer", icon: IconCamera },
  { name: "upload", path: "/upload", role: "reviewer", icon: IconUpload },
  { name: "review", path: "/review", role: "reviewer", icon: IconChecklist },
  { name: "dataset", path: "/dataset", role: "viewer", icon: IconPhoto },
  { name: "train", path: "/train", role: "viewer", icon: IconSchool },
  { name: "models", path: "/models", role: "viewer", icon: IconStack2 },
  { name: "rollouts", path: "/rollouts", role: "viewer", icon: IconRocket },
  { name: "fleet", path: "/fleet", role: "viewer", icon: IconTrash },
  { name: "forecasts", path: "/forecasts", role: "viewer", icon: IconChartLine },
  { name: "settings", path: "/settings", role: "viewer", icon: IconSettings },
] as const satisfies readonly (Omit<Page, "name"> & { name: string })[];
