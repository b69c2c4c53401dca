import { PageHead } from "../../components/states";

export function Settings() {
  return <PageHead title="Settings" />;
}
