import { PageHead } from "../../components/states";

export function Model() {
  return <PageHead title="Model" />;
}
