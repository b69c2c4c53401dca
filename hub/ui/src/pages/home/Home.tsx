import { PageHead } from "../../components/states";

export function Home() {
  return <PageHead title="Home" />;
}
