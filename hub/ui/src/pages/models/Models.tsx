import { PageHead } from "../../components/states";

export function Models() {
  return <PageHead title="Models" />;
}
