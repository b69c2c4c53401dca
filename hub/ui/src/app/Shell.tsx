// The frame around every page: navigation, notices, language, theme, and who is logged in.

import { AppShell, Burger, Group, Loader, NavLink, ScrollArea, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { Link, Outlet, useLocation } from "@tanstack/react-router";
import { lazy, Suspense, useEffect } from "react";
import { at } from "../api/base";
import { LiveProvider } from "../api/live";
import { asApiError } from "../api/problem";
import { me, useMay } from "../api/queries";
import { useSessionExpired } from "../api/session";
import { ErrorNote, Loading } from "../components/states";
import { Account } from "./Account";
import { LoginPage } from "./Login";
import { Notices } from "./Notices";
import { LanguageSwitch, ThemeSwitch } from "./Preferences";
import { type Page, pages } from "./pages";
import { useShellText } from "./text";
import { useTourWanted } from "./tourState";

// Seldom needed, and so not part of the first load.
const Tour = lazy(async () => ({ default: (await import("./Tour")).Tour }));
const LoginAgain = lazy(async () => ({ default: (await import("./LoginAgain")).LoginAgain }));

export function Shell() {
  const who = useQuery(me);
  if (who.isPending) return <Loader m="xl" />;
  // Somebody who was logged in keeps the page, with all that is on it; they log in again over it.
  if (who.isError && who.data === undefined) {
    return asApiError(who.error).status === 401 ? (
      <LoginPage />
    ) : (
      <ErrorNote error={who.error} retry={() => void who.refetch()} />
    );
  }
  return (
    <LiveProvider>
      <Frame />
    </LiveProvider>
  );
}

function Frame() {
  const text = useShellText();
  const [open, { toggle, close }] = useDisclosure(false);
  const { error } = useQuery(me);
  const expired = useSessionExpired() || (error !== null && asApiError(error).status === 401);
  const touring = useTourWanted();
  const { pathname } = useLocation();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the navigation of a phone closes with each change of page
  useEffect(close, [pathname]);

  return (
    <AppShell
      header={{ height: 52 }}
      navbar={{ width: 208, breakpoint: "md", collapsed: { mobile: !open } }}
      padding={{ base: "sm", sm: "md" }}
    >
      <a className="skip" href={`${location.pathname}${location.search}#main`}>
        {text("skip")}
      </a>
      <AppShell.Header>
        <Group h="100%" px="sm" justify="space-between" wrap="nowrap">
          <Group gap="xs" wrap="nowrap">
            <Burger opened={open} onClick={toggle} hiddenFrom="md" size="sm" aria-label={text("menu")} />
            <img src={at("/icon.svg")} alt="" width={28} height={28} />
            <Title order={2} size="h4" component="p">
              Pilah
            </Title>
          </Group>
          <Group gap={4} wrap="nowrap">
            <LanguageSwitch />
            <ThemeSwitch />
            <Account />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar>
        <ScrollArea component="nav" aria-label={text("pages")} p="xs">
          {pages.map((page) => (
            <PageLink key={page.name} page={page} />
          ))}
        </ScrollArea>
      </AppShell.Navbar>
      <AppShell.Main id="main" tabIndex={-1}>
        <Notices />
        <Suspense fallback={<Loading />}>
          <Outlet />
        </Suspense>
      </AppShell.Main>
      <Suspense>
        {touring && <Tour />}
        {expired && <LoginAgain />}
      </Suspense>
    </AppShell>
  );
}

function PageLink({ page }: { page: Page }) {
  const text = useShellText();
  const may = useMay(page.role);
  const { pathname } = useLocation();
  if (!may) return null;
  const active = page.path === "/" ? pathname === "/" : pathname.startsWith(page.path);
  return (
    <NavLink
      component={Link}
      to={page.path}
      active={active}
      aria-current={active ? "page" : undefined}
      label={text(page.name)}
      leftSection={<page.icon size={18} stroke={1.6} />}
      style={{ borderRadius: "var(--mantine-radius-sm)" }}
    />
  );
}
