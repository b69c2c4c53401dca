import { PageHead } from "../../components/states";

export function Classify() {
  return <PageHead title="Classify" />;
}
