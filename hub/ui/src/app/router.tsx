// Every address of the dashboard. Home comes with the frame; each other page is loaded when it is first opened.

import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router";
import { base } from "../api/base";
import { ErrorNote } from "../components/states";
import { Home } from "../pages/home/Home";
import { NoSuchPage } from "./NoSuchPage";
import { Shell } from "./Shell";

const root = createRootRoute({ component: Shell, notFoundComponent: NoSuchPage });
const getParentRoute = () => root;

const routes = [
  createRoute({ getParentRoute, path: "/", component: Home }),
  createRoute({
    getParentRoute,
    path: "/classify",
    component: lazyRouteComponent(() => import("../pages/classify/Classify"), "Classify"),
  }),
  createRoute({
    getParentRoute,
    path: "/upload",
    component: lazyRouteComponent(() => import("../pages/upload/Upload"), "Upload"),
  }),
  createRoute({
    getParentRoute,
    path: "/review",
    component: lazyRouteComponent(() => import("../pages/review/Review"), "Review"),
  }),
  createRoute({
    getParentRoute,
    path: "/dataset",
    component: lazyRouteComponent(() => import("../pages/dataset/Dataset"), "Dataset"),
  }),
  createRoute({
    getParentRoute,
    path: "/train",
    component: lazyRouteComponent(() => import("../pages/train/Train"), "Train"),
  }),
  createRoute({
    getParentRoute,
    path: "/models",
    component: lazyRouteComponent(() => import("../pages/models/Models"), "Models"),
  }),
  createRoute({
    getParentRoute,
    path: "/models/compare",
    component: lazyRouteComponent(() => import("../pages/models/Compare"), "Compare"),
  }),
  createRoute({
    getParentRoute,
    path: "/models/$version",
    component: lazyRouteComponent(() => import("../pages/models/Model"), "Model"),
  }),
  createRoute({
    getParentRoute,
    path: "/rollouts",
    component: lazyRouteComponent(() => import("../pages/rollouts/Rollouts"), "Rollouts"),
  }),
  createRoute({
    getParentRoute,
    path: "/fleet",
    component: lazyRouteComponent(() => import("../pages/fleet/Fleet"), "Fleet"),
  }),
  createRoute({
    getParentRoute,
    path: "/fleet/$bin",
    component: lazyRouteComponent(() => import("../pages/fleet/Bin"), "Bin"),
  }),
  createRoute({
    getParentRoute,
    path: "/forecasts",
    component: lazyRouteComponent(() => import("../pages/forecasts/Forecasts"), "Forecasts"),
  }),
  createRoute({
    getParentRoute,
    path: "/settings",
    component: lazyRouteComponent(() => import("../pages/settings/Settings"), "Settings"),
  }),
];

export const router = createRouter({
  routeTree: root.addChildren(routes),
  basepath: base,
  defaultPreload: "intent",
  defaultErrorComponent: ({ error, reset }) => <ErrorNote error={error} retry={reset} />,
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
