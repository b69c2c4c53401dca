import { PageHead } from "../../components/states";

export function Rollouts() {
  return <PageHead title="Rollouts" />;
}
